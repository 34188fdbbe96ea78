import { afterAll, beforeAll, expect, test } from 'vitest'
import { createSignInGuard } from '../../src/auth/sign-in-guard.ts'
import type { Database } from '../../src/db/index.ts'
import { openTestDatabase } from '../support/database.ts'

let database: Database
let count = 0

beforeAll(async () => {
  database = await openTestDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

const known = () => Promise.resolve(true)
const unknown = () => Promise.resolve(false)
const HERE = '192.0.2.1'

/** Two replicas on one database, an account of the test's own, and a clock that is moved. */
function guardAt(start = Date.UTC(2026, 0, 1)) {
  let now = start
  const clock = { now: () => new Date(now) }
  const guard = createSignInGuard(database.kysely, clock)
  const account = `person${++count}@example.com`
  const fail = async (times: number, address = HERE) => {
    const waits: number[] = []
    for (let n = 0; n < times; n += 1) waits.push(await guard.attempt(account, address, unknown))
    return waits
  }
  return {
    guard,
    other: createSignInGuard(database.kysely, clock),
    account,
    fail,
    advance: (ms: number) => (now += ms),
  }
}

test('a person who mistypes a few times waits for nothing', async () => {
  const { fail } = guardAt()
  expect(await fail(5)).toEqual([0, 0, 0, 0, 0])
})

test('each further failure doubles the wait, up to a quarter of an hour', async () => {
  const { fail, advance } = guardAt()
  await fail(5)
  const waits: number[] = []
  for (let n = 0; n < 12; n += 1) {
    const [waitMs = 0] = await fail(1)
    waits.push(waitMs)
    advance(waitMs)
    expect(await fail(1)).toEqual([0])
  }
  expect(waits.slice(0, 4)).toEqual([2000, 4000, 8000, 16_000])
  expect(waits.slice(-2)).toEqual([900_000, 900_000])
})

test('an attempt that has to wait does not lengthen the wait', async () => {
  const { fail, advance } = guardAt()
  await fail(5)
  expect(await fail(3)).toEqual([2000, 2000, 2000])
  advance(2000)
  expect(await fail(1)).toEqual([0])
})

test('replicas count together, and many attempts at the same moment are no more than one after the other', async () => {
  const { guard, other, account } = guardAt()
  const waits = await Promise.all(
    Array.from({ length: 40 }, (_, n) => (n % 2 === 0 ? guard : other).attempt(account, HERE, unknown)),
  )
  expect(waits.filter((waitMs) => waitMs === 0)).toHaveLength(5)
})

test('one address that guesses holds up neither another address nor another account', async () => {
  const { guard, account, fail } = guardAt()
  await fail(20)
  expect(await guard.attempt(account, '192.0.2.2', unknown)).toBe(0)
  expect(await guard.attempt('bo@example.com', HERE, unknown)).toBe(0)
})

test('an account that is guessed at from everywhere is closed to strangers, not to where its person was before', async () => {
  const { guard, account, fail, advance } = guardAt()
  for (let n = 0; n < 50; n += 1) expect(await fail(1, `198.51.100.${n}`)).toEqual([0])
  expect(await guard.attempt(account, '203.0.113.9', unknown)).toBe(60_000)
  expect(await guard.attempt(account, '203.0.113.9', known)).toBe(0)
  advance(60_000)
  expect(await guard.attempt(account, '203.0.113.10', unknown)).toBe(0)
  expect(await guard.attempt(account, '203.0.113.11', unknown)).toBe(60_000)
})

test('signing in forgets the failures of that address, and is none itself', async () => {
  const { guard, account, fail } = guardAt()
  await fail(5)
  await guard.succeeded(account, HERE)
  expect(await fail(5)).toEqual([0, 0, 0, 0, 0])
  const quiet = guardAt()
  for (let n = 0; n < 60; n += 1) {
    expect(await quiet.guard.attempt(quiet.account, `198.51.100.${n}`, unknown)).toBe(0)
    await quiet.guard.succeeded(quiet.account, `198.51.100.${n}`)
  }
})

test('what was not looked at counts for nothing', async () => {
  const { guard, account, fail } = guardAt()
  await fail(4)
  for (let n = 0; n < 5; n += 1) {
    expect(await guard.attempt(account, HERE, unknown)).toBe(0)
    await guard.withdraw(account, HERE)
  }
  expect(await fail(2)).toEqual([0, 2000])
})

test('other spellings of an address count as the same account', async () => {
  const { guard, account, fail } = guardAt()
  await fail(5)
  expect(await guard.attempt(account.toUpperCase(), HERE, unknown)).toBe(2000)
})

test('what is quiet for an hour is forgotten, and swept away', async () => {
  const { guard, account, fail, advance } = guardAt(Date.UTC(2031, 0, 1))
  await fail(5)
  advance(3_600_000)
  expect(await fail(5)).toEqual([0, 0, 0, 0, 0])
  advance(3_600_000)
  await guard.sweep()
  expect(await database.kysely.selectFrom('sign_in_failures').selectAll().execute()).toEqual([])
  expect(await guard.attempt(account, HERE, unknown)).toBe(0)
})

test('what was typed for a name is not stored', async () => {
  const { guard } = guardAt()
  await guard.attempt('correct horse battery', HERE, unknown)
  const rows = JSON.stringify(await database.kysely.selectFrom('sign_in_failures').selectAll().execute())
  expect(rows).not.toMatch(/horse|192/)
})
