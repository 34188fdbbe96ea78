import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { scan, splice } from '../../protocol/index.ts'
import { readLong } from './read-long.ts'
import { SERVER_SCAN } from './server-scan.ts'

/** What a line becomes when it is joined and read like any other; null for what is no single result with a number. */
function joined(line: Buffer, id: string): string | null {
  try {
    const copy = Buffer.from(line)
    const found = scan(copy, SERVER_SCAN)
    if ('length' in found || found.id === null || found.result === null) return null
    const bytes = splice(copy, found, [{ span: found.id, letters: id }])
    return typeof bytes === 'string' ? bytes : Buffer.concat(bytes).toString('latin1')
  } catch {
    return null
  }
}

function cut(line: Buffer, size: number, first: number): Buffer[] {
  const parts = [Buffer.from(line.subarray(0, first))]
  for (let at = first; at < line.length; at += size) parts.push(Buffer.from(line.subarray(at, at + size)))
  return parts.filter(({ length }) => length > 0)
}

function read(line: Buffer, size: number, first: number): { number: number; text: string } | null {
  const found = readLong(cut(line, size, first), line.length)
  return found && { number: found.number, text: Buffer.concat(found.withId('"abc"')).toString('latin1') }
}

const many = (what: string) => what.repeat(20_000)
const blob = (letters: number) => 'QUJD'.repeat(letters / 4)

test('a result with a long string is the same in parts as joined, wherever it was cut', () => {
  const piece = fc.oneof(
    fc.constantFrom('\\', '"', '\\"', '\n', '\u20ac', ' ', '{', '}', '[', ','),
    fc.integer({ min: 0, max: 9000 }).map((letters) => 'x'.repeat(letters)),
  )
  const text = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''))
  const shape = fc.constantFrom(
    (texts: readonly string[]) => ({ jsonrpc: '2.0', id: 17, result: { content: texts } }),
    (texts: readonly string[]) => ({ result: { content: texts, isError: true }, jsonrpc: '2.0', id: 17 }),
    (texts: readonly string[]) => ({
      result: { [texts[0] ?? '']: texts },
      id: 17,
      jsonrpc: '2.0',
      more: texts,
    }),
  )
  let inParts = 0
  fc.assert(
    fc.property(
      fc.array(text, { minLength: 1, maxLength: 4 }),
      shape,
      fc.integer({ min: 4096, max: 9000 }),
      fc.integer({ min: 0, max: 9000 }),
      (texts, shapeOf, size, first) => {
        const line = Buffer.from(` ${JSON.stringify(shapeOf([...texts, blob(40_000)]))} `)
        const found = read(line, size, first)
        if (found === null) return
        inParts++
        expect(found).toEqual({ number: 17, text: joined(line, '"abc"') })
      },
    ),
    { numRuns: 300 },
  )
  expect(inParts).toBeGreaterThan(50)
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
  ]
  for (const line of lines) {
    for (let first = 100; first < 5100; first += 500) expect(read(Buffer.from(line), 5000, first)).toBeNull()
  }
})

test('a backslash at the end of a part belongs to the part after it', () => {
  const tail = 'x'.repeat(4999)
  const long = 'y'.repeat(10_000)
  for (const escape of ['\\n', '\\\\', '\\"', '\\u20ac']) {
    const before = `{"jsonrpc":"2.0","id":17,"result":"${long}${escape}`
    const line = Buffer.from(`${before}${tail}","more":["${long}"]}`)
    for (let shift = 1; shift <= escape.length; shift++) {
      const first = before.length - shift
      expect(read(line, 5000, first)?.text ?? joined(line, '"abc"')).toBe(joined(line, '"abc"'))
    }
  }
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
  for (const message of messages) expect(read(Buffer.from(JSON.stringify(message)), 5000, 100)).toBeNull()
  const good = JSON.stringify({ jsonrpc: '2.0', id: 17, result: { text } })
  expect(read(Buffer.from(good), 5000, 100)?.number).toBe(17)
  expect(read(Buffer.from(good.replace(',"id"', ',\r"id"')), 5000, 100)).toBeNull()
})
