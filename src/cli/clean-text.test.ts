import { assert, property, string } from 'fast-check'
import { expect, test } from 'vitest'
import { cleanLine, cleanText, toJson } from './clean-text.ts'

test('a line stays one line, without escape sequences and invisible characters', () => {
  expect(cleanLine('\u001B[31mred\u001B[0m\tand\r\nmore')).toBe('red and more')
  expect(cleanLine('\u001B]8;;http://x\u0007link\u001B]8;;\u0007')).toBe('link')
  expect(cleanLine('\u009B2Jabc\u202Edef\u200Bghi')).not.toMatch(/[\p{Cc}\p{Cf}]/u)
})

test('text keeps line breaks and tabs; a carriage return cannot write over what stands before it', () => {
  expect(cleanText('safe\rPWNED\r\n\tnext\u0008')).toBe('safe\nPWNED\n\tnext')
})

test('whatever comes in, no control or format character comes out, and what is printable stays', () => {
  assert(
    property(string({ unit: 'binary' }), (text) => {
      expect(cleanLine(text)).not.toMatch(/[\p{Cc}\p{Cf}\u2028\u2029]/u)
      expect(cleanText(text)).not.toMatch(/(?![\n\t])[\p{Cc}\p{Cf}\u2028\u2029]/u)
    }),
  )
  expect(cleanLine('naïve 日本語 🎉')).toBe('naïve 日本語 🎉')
})

test('JSON loses nothing and shows nothing raw that a terminal obeys', () => {
  assert(
    property(string({ unit: 'binary' }), (text) => {
      const json = toJson({ [text]: [text] })
      expect(JSON.parse(json)).toEqual({ [text]: [text] })
      expect(json.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\u2028\u2029]/u)
    }),
  )
})

test.each(['\u001B[', '\u001B]8;', '\u001BP', '\u009B1;', '\u009D', '\u001B[;', '\u001B('])(
  'a megabyte of beginnings without an end (%j) is cleaned at once',
  (beginning) => {
    const hostile = beginning.repeat(1_000_000 / beginning.length)
    const start = performance.now()
    cleanLine(hostile)
    expect(performance.now() - start).toBeLessThan(2000)
  },
)
