import { expect, test } from 'vitest'
import type { Actor } from '../../src/domain/index.ts'
import { catwalkErrorOf } from '../support/errors.ts'
import { codeOf, nextCodeOf, wrongCodeOf } from './authenticator-app.ts'
import { cookieHeader, makeOwner, openAccounts, owner, type Accounts } from './support.ts'

const ADDRESS = '192.0.2.1'
const PROOF = { password: owner.password }

interface Person {
  readonly actor: Actor
  readonly sessionId: string
  readonly headers: Headers
}

async function post(accounts: Accounts, path: string, body: unknown): Promise<Response> {
  const request = new Request(`http://localhost:7420/api/auth${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: 'http://localhost:7420' },
    body: JSON.stringify(body),
  })
  return accounts.auth.handler(request, ADDRESS)
}

const enter = (accounts: Accounts) =>
  post(accounts, '/sign-in/email', { email: owner.email, password: owner.password })

async function personOf(accounts: Accounts, cookies: readonly string[]): Promise<Person> {
  const headers = new Headers({ cookie: cookieHeader(cookies) })
  const signedIn = await accounts.auth.authenticate(headers, ADDRESS)
  if (signedIn === null || signedIn.sessionId === null) throw new Error('nobody is signed in')
  return { actor: signedIn.actor, sessionId: signedIn.sessionId, headers }
}

/** The owner with one-time codes turned on. */
async function enrolled(accounts: Accounts) {
  await makeOwner(accounts)
  const first = await personOf(accounts, (await enter(accounts)).headers.getSetCookie())
  const { secondFactor } = accounts.auth
  const made = await secondFactor.start(first.actor, first.sessionId, first.headers, PROOF)
  const firstCode = codeOf(made.secret)
  const cookies = await secondFactor.confirm(first.actor, first.sessionId, first.headers, firstCode)
  return { ...made, firstCode, person: await personOf(accounts, cookies), secondFactor }
}

const audited = async ({ database }: Accounts) =>
  (await database.kysely.selectFrom('audit_entries').selectAll().orderBy('at').execute()).map(
    ({ action, outcome, detail }) => ({ action, outcome, detail }),
  )

test('a secret works in any app, and nothing is asked for until its first code was entered', async () => {
  await using accounts = await openAccounts()
  await makeOwner(accounts)
  const { actor, sessionId, headers } = await personOf(
    accounts,
    (await enter(accounts)).headers.getSetCookie(),
  )
  const { uri, secret, recoveryCodes } = await accounts.auth.secondFactor.start(
    actor,
    sessionId,
    headers,
    PROOF,
  )
  expect(uri).toMatch(/^otpauth:\/\/totp\/Catwalk:ada(?:%40|@)example\.com\?/)
  expect(secret).toMatch(/^[A-Z2-7]{32,}=*$/)
  expect(new Set(recoveryCodes).size).toBe(10)
  expect(await (await enter(accounts)).json()).not.toHaveProperty('twoFactorRedirect')
  const wrong = accounts.auth.secondFactor.confirm(actor, sessionId, headers, wrongCodeOf(secret))
  expect(await catwalkErrorOf(wrong)).toMatchObject({ code: 'wrong_code' })
  expect(await accounts.auth.secondFactor.stateOf(actor.id)).toMatchObject({ enabled: false })
})

test('once it is on, the password alone opens no session, and with the code it does', async () => {
  await using accounts = await openAccounts()
  const { secret, secondFactor } = await enrolled(accounts)
  const response = await enter(accounts)
  expect(await response.json()).toMatchObject({ twoFactorRedirect: true, twoFactorMethods: ['totp'] })
  const cookie = cookieHeader(response.headers.getSetCookie())
  expect(await accounts.auth.authenticate(new Headers({ cookie }), ADDRESS)).toBeNull()
  const headers = new Headers({ cookie, 'user-agent': 'Test' })
  const wrong = secondFactor.finish(headers, ADDRESS, wrongCodeOf(secret))
  expect(await catwalkErrorOf(wrong)).toMatchObject({ code: 'wrong_code' })
  const cookies = await secondFactor.finish(headers, ADDRESS, nextCodeOf(secret))
  const { sessionId } = await personOf(accounts, cookies)
  const session = await accounts.database.kysely
    .selectFrom('sessions')
    .selectAll()
    .where('id', '=', sessionId)
    .executeTakeFirst()
  expect(session).toMatchObject({ ip_address: ADDRESS, user_agent: 'Test' })
  expect((await audited(accounts)).slice(-3)).toEqual([
    { action: 'second_factor.enable', outcome: 'done', detail: {} },
    { action: 'session.create', outcome: 'refused', detail: { by: 'code' } },
    { action: 'session.create', outcome: 'done', detail: { by: 'code' } },
  ])
})

test('a sign-in that was answered cannot be answered again', async () => {
  await using accounts = await openAccounts()
  const { secret, secondFactor } = await enrolled(accounts)
  const headers = new Headers({ cookie: cookieHeader((await enter(accounts)).headers.getSetCookie()) })
  await secondFactor.finish(headers, ADDRESS, nextCodeOf(secret))
  const again = secondFactor.finish(headers, ADDRESS, nextCodeOf(secret))
  expect(await catwalkErrorOf(again)).toMatchObject({ code: 'wrong_code' })
})

test('a code that was used is refused for as long as it is shown, wherever it was used', async () => {
  await using accounts = await openAccounts()
  const { secret, firstCode, secondFactor } = await enrolled(accounts)
  const next = async () =>
    new Headers({ cookie: cookieHeader((await enter(accounts)).headers.getSetCookie()) })
  // The one with which codes were turned on.
  const first = secondFactor.finish(await next(), ADDRESS, firstCode)
  expect(await catwalkErrorOf(first)).toMatchObject({
    code: 'wrong_code',
    message: expect.stringContaining('used already'),
  })
  const code = nextCodeOf(secret)
  await personOf(accounts, await secondFactor.finish(await next(), ADDRESS, code))
  const again = secondFactor.finish(await next(), ADDRESS, code)
  expect(await catwalkErrorOf(again)).toMatchObject({
    code: 'wrong_code',
    message: expect.stringContaining('used already'),
  })
  expect((await audited(accounts)).at(-1)).toMatchObject({ outcome: 'refused', detail: { by: 'code' } })
})

test('of many who show one code at the same moment one is let in', async () => {
  await using accounts = await openAccounts()
  const { secret, secondFactor } = await enrolled(accounts)
  const waiting = await Promise.all(Array.from({ length: 5 }, () => enter(accounts)))
  const code = nextCodeOf(secret)
  const outcomes = await Promise.allSettled(
    waiting.map(({ headers }) =>
      secondFactor.finish(new Headers({ cookie: cookieHeader(headers.getSetCookie()) }), ADDRESS, code),
    ),
  )
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
})

test('a wrong code may be the right one later: it is not kept as used', async () => {
  await using accounts = await openAccounts()
  const { secret, firstCode, secondFactor } = await enrolled(accounts)
  const headers = new Headers({ cookie: cookieHeader((await enter(accounts)).headers.getSetCookie()) })
  await catwalkErrorOf(secondFactor.finish(headers, ADDRESS, wrongCodeOf(secret)))
  // That with which codes were turned on is.
  const kept = await accounts.database.kysely.selectFrom('used_codes').select('code').execute()
  expect(kept).toEqual([{ code: firstCode }])
})

test('a recovery code signs in once', async () => {
  await using accounts = await openAccounts()
  const { recoveryCodes, secondFactor, person } = await enrolled(accounts)
  const [code = ''] = recoveryCodes
  const next = async () =>
    new Headers({ cookie: cookieHeader((await enter(accounts)).headers.getSetCookie()) })
  await personOf(accounts, await secondFactor.finish(await next(), ADDRESS, code))
  const again = secondFactor.finish(await next(), ADDRESS, code)
  expect(await catwalkErrorOf(again)).toMatchObject({ code: 'wrong_code' })
  expect(await secondFactor.stateOf(person.actor.id)).toEqual({ enabled: true, recoveryCodesLeft: 9 })
})

test('guessing codes with a stolen password ends after a few attempts', async () => {
  await using accounts = await openAccounts()
  const { secret, secondFactor } = await enrolled(accounts)
  let refusal = 'none'
  for (let n = 0; n < 12 && refusal !== 'rate_limited'; n += 1) {
    const headers = new Headers({ cookie: cookieHeader((await enter(accounts)).headers.getSetCookie()) })
    accounts.clock.advance(60_000)
    refusal = (await catwalkErrorOf(secondFactor.finish(headers, ADDRESS, wrongCodeOf(secret)))).code
  }
  expect(refusal).toBe('rate_limited')
  const headers = new Headers({ cookie: cookieHeader((await enter(accounts)).headers.getSetCookie()) })
  const right = secondFactor.finish(headers, ADDRESS, nextCodeOf(secret))
  expect(await catwalkErrorOf(right)).toMatchObject({ code: 'rate_limited' })
})

test('a code cannot be tried against whoever is signed in already, only against the sign-in that waits', async () => {
  await using accounts = await openAccounts()
  const { secret, secondFactor, person } = await enrolled(accounts)
  const attempt = secondFactor.finish(person.headers, ADDRESS, nextCodeOf(secret))
  expect(await catwalkErrorOf(attempt)).toMatchObject({ code: 'wrong_code' })
})

test('turning it off, and new recovery codes, need the password again', async () => {
  await using accounts = await openAccounts()
  const { person, recoveryCodes, secondFactor } = await enrolled(accounts)
  const { actor, sessionId, headers } = person
  for (const attempt of [
    () => secondFactor.remove(actor, sessionId, { password: 'wrong wrong' }),
    () => secondFactor.remove(actor, sessionId, {}),
    () => secondFactor.renew(actor, sessionId, headers, {}),
    () => accounts.auth.passkeys.startAdding(actor, sessionId, headers, {}),
  ]) {
    expect(await catwalkErrorOf(attempt())).toMatchObject({ code: 'invalid_credentials' })
  }
  const renewed = await secondFactor.renew(actor, sessionId, headers, PROOF)
  expect(renewed.filter((code) => recoveryCodes.includes(code))).toEqual([])
  await secondFactor.remove(actor, sessionId, PROOF)
  expect(await (await enter(accounts)).json()).not.toHaveProperty('twoFactorRedirect')
})

test('whoever guesses the password at an open browser waits longer each time', async () => {
  await using accounts = await openAccounts()
  const { person, secondFactor } = await enrolled(accounts)
  const guess = () => secondFactor.remove(person.actor, person.sessionId, { password: 'wrong wrong' })
  for (let n = 0; n < 5; n += 1) expect((await catwalkErrorOf(guess())).code).toBe('invalid_credentials')
  expect(await catwalkErrorOf(guess())).toMatchObject({ code: 'rate_limited', details: { retryAfterS: 2 } })
})

test('somebody without a password must have signed in just now', async () => {
  await using accounts = await openAccounts()
  const { person, secondFactor } = await enrolled(accounts)
  const db = accounts.database.kysely
  await db.deleteFrom('accounts').execute()
  await db
    .updateTable('sessions')
    .set({ created_at: new Date(Date.now() - 11 * 60_000) })
    .execute()
  const late = secondFactor.remove(person.actor, person.sessionId, {})
  expect(await catwalkErrorOf(late)).toMatchObject({ code: 'reauthentication_needed' })
  await db.updateTable('sessions').set({ created_at: new Date() }).execute()
  await secondFactor.remove(person.actor, person.sessionId, {})
})

test('an API key turns nothing on or off', async () => {
  await using accounts = await openAccounts()
  const { person, secondFactor } = await enrolled(accounts)
  const key: Actor = { ...person.actor, kind: 'api_key', id: 'key_1' }
  for (const attempt of [
    () => secondFactor.remove(key, null, PROOF),
    () => secondFactor.start(key, null, person.headers, PROOF),
    () => accounts.auth.passkeys.startAdding(key, null, person.headers, PROOF),
  ]) {
    expect(await catwalkErrorOf(attempt())).toMatchObject({ code: 'forbidden' })
  }
})

test('an admin of the installation turns it off for whoever is locked out, and that is on record', async () => {
  await using accounts = await openAccounts()
  const { person, secondFactor } = await enrolled(accounts)
  await secondFactor.reset(person.actor, 'ADA@example.com')
  expect(await (await enter(accounts)).json()).not.toHaveProperty('twoFactorRedirect')
  expect(await audited(accounts)).toContainEqual({
    action: 'second_factor.reset',
    outcome: 'done',
    detail: {},
  })
  const unknown = secondFactor.reset(person.actor, 'eve@example.com')
  expect(await catwalkErrorOf(unknown)).toMatchObject({ code: 'account_not_found' })
})

test('neither the secret nor the recovery codes are stored in clear', async () => {
  await using accounts = await openAccounts()
  const { secret, recoveryCodes } = await enrolled(accounts)
  const rows = JSON.stringify(await accounts.database.kysely.selectFrom('two_factors').selectAll().execute())
  for (const code of [secret, ...recoveryCodes]) expect(rows).not.toContain(code)
})

test('guessing one password from many addresses slows down strangers, not the person', async () => {
  await using accounts = await openAccounts()
  await makeOwner(accounts)
  await enter(accounts)
  const guess = (address: string, password = 'wrong wrong wrong') => {
    const request = new Request('http://localhost:7420/api/auth/sign-in/email', {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: 'http://localhost:7420' },
      body: JSON.stringify({ email: owner.email, password }),
    })
    return accounts.auth.handler(request, address)
  }
  for (let n = 0; n < 5; n += 1) {
    expect((await catwalkErrorOf(guess('198.51.100.1'))).code).toBe('invalid_credentials')
  }
  expect(await catwalkErrorOf(guess('198.51.100.1', owner.password))).toMatchObject({ code: 'rate_limited' })
  expect((await guess(ADDRESS, owner.password)).status).toBe(200)
  accounts.clock.advance(2000)
  expect((await guess('198.51.100.1', owner.password)).status).toBe(200)
})
