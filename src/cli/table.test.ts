import { PassThrough, Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { createOutput } from './output.ts'
import { formatAge, formatSeconds, formatTable } from './table.ts'

const NOW = new Date('2026-11-22T12:00:00.000Z')

function output(isTTY: boolean) {
  const stdout = Object.assign(new PassThrough(), { isTTY, columns: 80 })
  return createOutput({ env: {}, stdin: Readable.from([]), stdout, stderr: new PassThrough() }, false)
}

test('a table has a heading and aligned columns on a terminal, and tabs alone in a pipe', () => {
  const rows = [
    ['a', 'first'],
    ['longer', 'second'],
  ]
  const painted = formatTable(output(true), ['N', 'TEXT'], rows, (text, column) =>
    column === 0 ? `<${text}>` : text,
  )
  expect(painted.split('\n').slice(1)).toEqual(['<a     >  first', '<longer>  second'])
  expect(formatTable(output(false), ['N', 'TEXT'], rows)).toBe('a\tfirst\nlonger\tsecond')
})

test.each([
  ['2026-11-22T11:59:58.000Z', '2 s'],
  ['2026-11-22T11:00:01.000Z', '59 min'],
  ['2026-11-21T12:00:01.000Z', '23 h'],
  ['2026-11-01T12:00:00.000Z', '21 d'],
  ['2026-11-22T12:00:05.000Z', '0 s'],
])('the age of %s is %s, and never negative when clocks differ', (from, age) => {
  expect(formatAge(from, NOW)).toBe(age)
})

test('durations are short', () => {
  expect([formatSeconds(420), formatSeconds(9940), formatSeconds(75_400)]).toEqual(['0.4 s', '9.9 s', '75 s'])
})
