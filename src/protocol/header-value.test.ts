import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeHeaderValue, encodeHeaderValue } from './header-value.ts'

test('any text survives the way through a header, which holds nothing but visible ASCII', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), (text) => {
      const value = encodeHeaderValue(text)
      expect(value).toMatch(/^[\x20-\x7e\t]*$/)
      expect(value.trim()).toBe(value)
      expect(decodeHeaderValue(value)).toBe(text)
    }),
  )
})

test.each([
  ['us-west1', 'us-west1'],
  ['Hello, 世界', '=?base64?SGVsbG8sIOS4lueVjA==?='],
  [' padded ', '=?base64?IHBhZGRlZCA=?='],
  ['line1\nline2', '=?base64?bGluZTEKbGluZTI=?='],
  ['=?base64?literal?=', '=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?='],
])('%j is sent as the specification shows it', (text, value) => {
  expect(encodeHeaderValue(text)).toBe(value)
  expect(decodeHeaderValue(value)).toBe(text)
})

test.each([
  '=?base64?SGVsbG8?=',
  '=?base64?SGVs bG8=?=',
  '=?base64?_w==?=',
  '=?base64?/w==?=',
  'caf\u00e9',
  '=?base64?=',
])('%j is no value', (value) => {
  expect(decodeHeaderValue(value)).toBeUndefined()
})
