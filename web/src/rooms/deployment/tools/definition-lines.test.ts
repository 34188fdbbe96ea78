import { expect, test } from 'vitest'
import { textsOf } from './definition-lines.ts'

test('text is shown in its lines, and characters that nobody sees are shown escaped', () => {
  expect(textsOf('a\nb')).toEqual(['a', 'b'])
  expect(textsOf('a\u200Bb')).toEqual(['"a\\u200bb"'])
  expect(textsOf({ a: 1 })).toEqual(['{', '  "a": 1', '}'])
  expect(textsOf(undefined)).toEqual([])
})
