import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { scan, splice } from '../../protocol/index.ts'
import { outcomeOf } from '../report.ts'
import { readLong } from './read-long.ts'
import { SERVER_SCAN } from './server-scan.ts'

interface Read {
  readonly outcome: ReturnType<typeof outcomeOf>
  readonly text: string
}

/** What a line becomes when it is joined and read like any other; null for what is no single result. */
function joined(line: Buffer): Read | null {
  try {
    const copy = Buffer.from(line)
    const found = scan(copy, SERVER_SCAN)
    if ('length' in found || found.id === null || found.result === null) return null
    const bytes = splice(copy, found, [{ span: found.id, letters: '"abc"' }])
    const text = typeof bytes === 'string' ? bytes : Buffer.concat(bytes).toString('latin1')
    return { outcome: outcomeOf(copy, found), text }
  } catch {
    return null
  }
}

/** Cuts a line into parts of these sizes, over and over. */
function cut(line: Buffer, sizes: readonly number[]): Buffer[] {
  const parts: Buffer[] = []
  for (let at = 0; at < line.length; at += parts.at(-1)?.length ?? 1)
    parts.push(Buffer.from(line.subarray(at, at + (sizes[parts.length % sizes.length] ?? 1))))
  return parts
}

/** The same of a line in parts; null where it has to be joined. */
function read(line: Buffer, sizes: readonly number[]): Read | null {
  const found = readLong(cut(line, sizes), line.length)
  return found && { outcome: found.outcome, text: Buffer.concat(found.withId('"abc"')).toString('latin1') }
}

/** After a first part of its own, all of the same length. */
const then5000 = (first: number) => [first, ...Array.from({ length: 50 }, () => 5000)]
const many = (what: string) => what.repeat(40_000)
const blob = (letters: number) => 'QUJD'.repeat(letters / 4)

const piece = fc.oneof(
  fc.constantFrom('\\', '"', '\\"', '\n', '\u20ac', '\u{1f980}', ' ', '{', '}', '[', ','),
  fc.integer({ min: 0, max: 9000 }).map((letters) => 'x'.repeat(letters)),
  fc.integer({ min: 0, max: 3000 }).map((letters) => '\u20ac'.repeat(letters)),
)
const anyText = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''))
const id = fc.constantFrom(
  '17',
  '0',
  '900719925474099',
  '9007199254740993',
  '1.0',
  '-1',
  '1e2',
  '"17"',
  'null',
)
const anyLine = fc
  .tuple(fc.array(anyText, { minLength: 1, maxLength: 4 }), id, fc.nat(4))
  .map(([some, letters, shape]) => {
    const texts = [...some, blob(40_000)]
    const content = JSON.stringify({ content: texts, isError: shape === 1 })
    const name = JSON.stringify(texts[0])
    return [
      `{"jsonrpc":"2.0","id":${letters},"result":${content}}`,
      `{"result":${content},"jsonrpc":"2.0","id":${letters}}`,
      `{"result":{${name}:${content}},"id":${letters},"jsonrpc":"2.0","more":${content}}`,
      `{"id":${letters},"result":${content},"jsonrpc":"2.0","id":18}`,
      `{${name}:1,"\\u0069d":18,"id":${letters},"result":${content},"jsonrpc":"2.0"}`,
    ][shape]
  })
  .map((letters = '') => Buffer.from(` ${letters} `))
const sizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 9000 }), fc.integer({ min: 4096, max: 20_000 })), {
  minLength: 1,
  maxLength: 12,
})

test('what is read in parts is the same as joined, wherever it was cut', () => {
  let inParts = 0
  fc.assert(
    fc.property(anyLine, sizes, (bytes, lengths) => {
      const found = read(bytes, lengths)
      if (found === null) return
      inParts++
      expect(found).toEqual(joined(bytes))
      expect(found.text).toContain('"abc"')
    }),
    { numRuns: 600 },
  )
  expect(inParts).toBeGreaterThan(50)
})

test('what cannot be read joined cannot be read in parts, whatever byte is wrong', () => {
  const wrong = fc.constantFrom('"', '\\', '{', '}', '[', ']', ':', ',', ' ', '0', 'x', '\r', '\t')
  const places = fc.array(fc.tuple(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), wrong), {
    maxLength: 3,
  })
  fc.assert(
    fc.property(anyLine, sizes, places, fc.boolean(), (given, lengths, changes, early) => {
      const bytes = Buffer.from(given)
      // The beginning and the end are where the structure is.
      for (const [place, letter] of changes)
        bytes[Math.floor(place * (early ? 200 : bytes.length))] = letter.charCodeAt(0)
      expect([null, joined(bytes)]).toContainEqual(read(bytes, lengths))
    }),
    { numRuns: 600 },
  )
})

test('what is missing is never anything but the inside of a string', () => {
  const lines = [
    `{"jsonrpc":"2.0","id":17,"result":${many('1')}}`,
    `{"jsonrpc":"2.0","id":17,"result":[${many('1,')}1]}`,
    `{"jsonrpc":"2.0","id":17,"result":[${many('1,')}1],"more":"x"}`,
    `{"jsonrpc":"2.0","id":17,"result":{}${many(' ')}}`,
    `{"jsonrpc":"2.0","id":17,"result":"x"${many('x')}`,
    `{"jsonrpc":"2.0","id":17,"result":"${many('x')}`,
    `${many('x')}{"jsonrpc":"2.0","id":17,"result":"x"}`,
    `{"jsonrpc":"2.0","id":17,"result":"x"}${many('x')}`,
    `{"jsonrpc":"2.0","result":"${many('x')}","id":18,"more":"${many('x')}","id":17}`,
  ]
  for (const text of lines) {
    for (let first = 100; first < 5100; first += 500)
      expect(read(Buffer.from(text), then5000(first))).toBeNull()
  }
})

test('a backslash at the end of a part belongs to the part after it', () => {
  for (const escape of ['\\n', '\\\\', '\\"', '\\u20ac']) {
    const before = `{"jsonrpc":"2.0","id":17,"result":"x${escape}`
    const line = Buffer.from(`${before}${many('x')}${escape}${many('x')}"}`)
    for (let shift = 0; shift <= escape.length; shift++) {
      const found = read(line, then5000(before.length - shift))
      expect(found).not.toBeNull()
      expect(found).toEqual(joined(line))
    }
    // The second one at the border of two parts.
    for (let shift = 0; shift <= escape.length; shift++) {
      const found = read(line, then5000((before.length + 40_000 + shift) % 5000))
      expect(found).not.toBeNull()
      expect(found).toEqual(joined(line))
    }
  }
  const open = Buffer.from(`{"jsonrpc":"2.0","id":17,"result":"x${many('x')}\\"}`)
  for (let first = 1; first < 100; first++) expect(read(open, then5000(first))).toBeNull()
})

test('errors, requests, batches, foreign ids and lines with a CR are left to be joined', () => {
  const text = blob(40_000)
  const messages = [
    { jsonrpc: '2.0', id: 17, error: { code: 1, message: text } },
    { jsonrpc: '2.0', id: 17, method: 'sampling/createMessage', params: { text } },
    { jsonrpc: '2.0', method: 'notifications/message', params: { data: text } },
    { jsonrpc: '2.0', id: 'theirs', result: { text } },
    [{ jsonrpc: '2.0', id: 17, result: { text } }],
  ]
  for (const message of messages) expect(read(Buffer.from(JSON.stringify(message)), [5000])).toBeNull()
  const good = JSON.stringify({ jsonrpc: '2.0', id: 17, result: { text } })
  expect(readLong(cut(Buffer.from(good), [5000]), good.length)?.number).toBe(17)
  expect(read(Buffer.from(good.replace(',"id"', ',\r"id"')), [5000])).toBeNull()
})
