import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { MAX_LINE_LENGTH, readLines } from './lines.ts'

async function linesOf(...chunks: readonly (string | Buffer)[]): Promise<string[]> {
  const lines: string[] = []
  await readLines(Readable.from(chunks.map((chunk) => Buffer.from(chunk))), (line) => lines.push(line))
  return lines
}

test('lines come whole, wherever the chunks end', async () => {
  expect(await linesOf('on', 'e\ntw', 'o\r\n', '\nlast')).toEqual(['one', 'two', '', 'last'])
})

test('a character in two chunks is one character', async () => {
  const bytes = Buffer.from('grün\n')
  expect(await linesOf(bytes.subarray(0, 3), bytes.subarray(3))).toEqual(['grün'])
})

test('a line without end is cut, and the next one is whole again', async () => {
  const long = 'x'.repeat(MAX_LINE_LENGTH)
  const [first, second] = await linesOf(long, long, long, '\nnext\n')
  expect(first).toBe(`${long}…`)
  expect(second).toBe('next')
})

test('what came before a stream broke is kept', async () => {
  const stream = Readable.from(
    (function* () {
      yield Buffer.from('said\nhalf')
      throw new Error('broken')
    })(),
  )
  const lines: string[] = []
  await readLines(stream, (line) => lines.push(line))
  expect(lines).toEqual(['said', 'half'])
})
