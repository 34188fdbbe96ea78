import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { createLineReader } from './line-reader.ts'

function collect(maxBytes = 1000) {
  const lines: string[] = []
  const tooLong: { head: string; tail: string; length: number }[] = []
  const read = createLineReader(maxBytes, {
    line: (bytes) => lines.push(bytes.toString()),
    tooLong: (head, tail, length) => tooLong.push({ head: head.toString(), tail: tail.toString(), length }),
  })
  return { lines, tooLong, read }
}

test('lines come out whole however the packets are cut', () => {
  const texts = fc.array(
    fc.string({ unit: 'grapheme', minLength: 1 }).map((text) => text.replaceAll(/[\r\n]/g, '')),
  )
  fc.assert(
    fc.property(texts, fc.array(fc.integer({ min: 1, max: 20 })), (given, cuts) => {
      const { lines, read } = collect()
      const bytes = Buffer.from(given.map((line) => `${line}\n`).join(''))
      let start = 0
      for (const size of [...cuts, bytes.length]) {
        if (start < bytes.length) read(bytes.subarray(start, start + size))
        start += size
      }
      expect(lines).toEqual(given.filter((line) => line !== ''))
    }),
  )
})

test('a carriage return becomes a blank', () => {
  const { lines, read } = collect()
  read(Buffer.from('a\rb\r\n'))
  expect(lines).toEqual(['a b '])
})

test('a line over the limit is reported with both its ends and does not stop the next one', () => {
  const { lines, tooLong, read } = collect(1000)
  for (let i = 0; i < 50; i++) read(Buffer.from(i === 0 ? `head${'x'.repeat(96)}` : 'x'.repeat(100)))
  read(Buffer.from('tail\nnext\n'))
  expect(lines).toEqual(['next'])
  expect(tooLong).toHaveLength(1)
  expect(tooLong[0]?.length).toBe(5004)
  expect(tooLong[0]?.head.startsWith('head')).toBe(true)
  expect(tooLong[0]?.tail.endsWith('xtail')).toBe(true)
})

test('a line of exactly the limit is a line', () => {
  const { lines, tooLong, read } = collect(4)
  read(Buffer.from('abcd\nabcde\n'))
  expect(lines).toEqual(['abcd'])
  expect(tooLong).toHaveLength(1)
})
