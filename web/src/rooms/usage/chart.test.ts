import { expect, test } from 'vitest'
import { piecesOf } from './chart.tsx'

test('a line goes over the whole width, from the highest value down to nothing', () => {
  expect(piecesOf([0, 5, 10], 10)).toEqual(['0.0,128.0 320.0,67.0 640.0,6.0'])
})

test('gaps part a line, and a value alone is still seen', () => {
  expect(piecesOf([null, 1, null, 1, 1], 1)).toEqual(['160.0,6.0 162.0,6.0', '480.0,6.0 640.0,6.0'])
  expect(piecesOf([null, null], 0)).toEqual([])
})
