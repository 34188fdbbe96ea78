import { expect, test } from 'vitest'
import { createJournal } from './journal.ts'

test('entries are numbered, and told from any of them on', () => {
  const journal = createJournal()
  journal.add({ kind: 'line', stream: 'stderr', line: 'one' })
  journal.add({ kind: 'started' })
  expect(journal.from(0)).toEqual({
    text: '{"kind":"line","stream":"stderr","line":"one","number":0}\n{"kind":"started","number":1}\n',
    next: 2,
  })
  expect(journal.from(1).text).toBe('{"kind":"started","number":1}\n')
  expect(journal.from(2)).toEqual({ text: '', next: 2 })
})

test('what was read is forgotten, and numbers go on', () => {
  const journal = createJournal()
  journal.add({ kind: 'line', stream: 'stderr', line: 'one' })
  journal.add({ kind: 'started' })
  journal.add({ kind: 'line', stream: 'stderr', line: 'two' })
  journal.forget(2)
  journal.add({ kind: 'started' })
  expect(journal.from(0)).toEqual({
    text: '{"kind":"line","stream":"stderr","line":"two","number":2}\n{"kind":"started","number":3}\n',
    next: 4,
  })
})

test('a flood of lines that nobody reads takes bounded memory, and the last word stays', () => {
  const journal = createJournal()
  for (let count = 0; count < 10_000; count++) {
    journal.add({ kind: 'line', stream: 'stderr', line: 'x'.repeat(1_000) })
  }
  journal.add({ kind: 'ended', end: { reason: 'exited', exitCode: 1, signal: null } })
  const { text, next } = journal.from(0)
  expect(text.length).toBeLessThan(5 * 1024 * 1024)
  expect(text.endsWith('"number":10000}\n')).toBe(true)
  expect(next).toBe(10_001)
})

test('a flood of lines takes nothing else away, and the order stays', () => {
  const journal = createJournal()
  journal.add({ kind: 'started' })
  for (let count = 0; count < 10_000; count++) {
    journal.add({ kind: 'line', stream: 'stderr', line: 'x'.repeat(1_000) })
  }
  const numbers = journal
    .from(0)
    .text.trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { readonly number: number }).number)
  expect(numbers[0]).toBe(0)
  expect(numbers).toEqual(numbers.toSorted((one, other) => one - other))
})

test('who waits for news hears of them at once', async () => {
  const journal = createJournal()
  const changed = journal.changed(60_000)
  journal.add({ kind: 'started' })
  await expect(changed).resolves.toBeUndefined()
})
