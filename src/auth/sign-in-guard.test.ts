import { expect, test } from 'vitest'
import { createSignInGuard } from './sign-in-guard.ts'

const ADA = 'ada@example.com'
const known = () => Promise.resolve(true)
const unknown = () => Promise.resolve(false)

function guardAt(start: number) {
  let now = start
  const guard = createSignInGuard({ now: () => new Date(now) })
  const fail = (times: number, address = '192.0.2.1', account = ADA) => {
    for (let n = 0; n < times; n += 1) guard.failed(account, address)
  }
  return { guard, fail, advance: (ms: number) => (now += ms) }
}

test('a person who mistypes a few times waits for nothing', async () => {
  const { guard, fail } = guardAt(0)
  fail(4)
  expect(await guard.waitMs(ADA, '192.0.2.1', unknown)).toBe(0)
})

test('each further failure doubles the wait, up to a quarter of an hour', async () => {
  const { guard, fail, advance } = guardAt(0)
  fail(5)
  expect(await guard.waitMs(ADA, '192.0.2.1', unknown)).toBe(2000)
  advance(2000)
  expect(await guard.waitMs(ADA, '192.0.2.1', unknown)).toBe(0)
  fail(1)
  expect(await guard.waitMs(ADA, '192.0.2.1', unknown)).toBe(4000)
  fail(30)
  expect(await guard.waitMs(ADA, '192.0.2.1', unknown)).toBe(900_000)
})

test('one address that guesses holds up neither another address nor another account', async () => {
  const { guard, fail } = guardAt(0)
  fail(20)
  expect(await guard.waitMs(ADA, '192.0.2.2', unknown)).toBe(0)
  expect(await guard.waitMs('bo@example.com', '192.0.2.1', unknown)).toBe(0)
})

test('an account that is guessed at from everywhere is closed to strangers, not to where its person was before', async () => {
  const { guard, fail, advance } = guardAt(0)
  for (let n = 0; n < 60; n += 1) fail(1, `198.51.100.${n}`)
  expect(await guard.waitMs(ADA, '203.0.113.9', unknown)).toBe(60_000)
  expect(await guard.waitMs(ADA, '203.0.113.9', known)).toBe(0)
  advance(60_000)
  expect(await guard.waitMs(ADA, '203.0.113.9', unknown)).toBe(0)
})

test('signing in forgets the failures of that address', async () => {
  const { guard, fail } = guardAt(0)
  fail(10)
  guard.succeeded(ADA, '192.0.2.1')
  expect(await guard.waitMs(ADA, '192.0.2.1', unknown)).toBe(0)
})

test('other spellings of an address count as the same account', async () => {
  const { guard, fail } = guardAt(0)
  fail(10, '192.0.2.1', 'ADA@Example.com')
  expect(await guard.waitMs(ADA, '192.0.2.1', unknown)).toBeGreaterThan(0)
})

test('what is quiet for an hour is forgotten, and a flood of names does not fill the memory', async () => {
  const { guard, fail, advance } = guardAt(0)
  fail(10)
  advance(3_600_000)
  expect(await guard.waitMs(ADA, '192.0.2.1', unknown)).toBe(0)
  fail(10)
  for (let n = 0; n < 50_010; n += 1) guard.failed(`x${n}@example.com`, '192.0.2.1')
  expect(await guard.waitMs(ADA, '192.0.2.1', unknown)).toBe(0)
})
