import { afterAll, beforeAll, expect, test } from 'vitest'
import { people } from '../../src/auth/index.ts'
import type { Actor } from '../../src/domain/index.ts'
import { catwalkErrorOf } from '../support/errors.ts'
import { makeOwner, openAccounts, type Accounts } from './support.ts'

let accounts: Accounts
let owner: Actor

beforeAll(async () => {
  accounts = await openAccounts()
  owner = await makeOwner(accounts)
})
afterAll(() => accounts[Symbol.asyncDispose]())

const db = () => accounts.database.kysely
const start = () => people.startDeviceLogin(db(), 'catwalk on laptop', '192.0.2.7')
const collect = (deviceCode: string) => people.collectDeviceLogin(db(), deviceCode, '192.0.2.7')
const decide = (userCode: string, approve = true, actor = owner) =>
  people.decideDeviceLogin(db(), actor, userCode, { approve, role: 'member', expiresInDays: 30 })

test('a terminal gets a key of the chosen role and time, once, after somebody has approved it', async () => {
  const { deviceCode, userCode } = await start()
  expect(userCode).toMatch(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/)
  expect(await collect(deviceCode)).toEqual({ state: 'pending', intervalS: 3 })
  // However it is typed.
  const seen = await people.lookAtDeviceLogin(db(), userCode.toLowerCase().replace('-', ' '))
  expect(seen).toMatchObject({ userCode, client: 'catwalk on laptop', address: '192.0.2.7' })
  await decide(userCode)
  const answer = await collect(deviceCode)
  if (answer.state !== 'approved') throw new Error(answer.state)
  const headers = new Headers({ authorization: `Bearer ${answer.key}` })
  const signedIn = await accounts.auth.authenticate(headers, null)
  expect(signedIn?.actor).toMatchObject({
    kind: 'api_key',
    id: answer.keyId,
    role: 'member',
    label: 'catwalk on laptop',
  })
  const [key] = await people.listApiKeys(db(), owner)
  expect(key?.expiresAt?.getTime()).toBeGreaterThan(Date.now() + 29 * 86_400_000)
  expect(await catwalkErrorOf(collect(deviceCode))).toMatchObject({ code: 'device_login_invalid' })
  expect(await catwalkErrorOf(decide(userCode))).toMatchObject({ code: 'device_login_invalid' })
  const entries = await db().selectFrom('audit_entries').selectAll().execute()
  expect(entries).toContainEqual(
    expect.objectContaining({
      action: 'device_login.approve',
      actor_id: owner.id,
      detail: expect.objectContaining({ askedFrom: '192.0.2.7' }),
    }),
  )
  expect(entries).toContainEqual(expect.objectContaining({ action: 'api_key.create', target: answer.keyId }))
})

test('neither the device code nor the key is stored in clear', async () => {
  const { deviceCode, userCode } = await start()
  await decide(userCode)
  const rows = JSON.stringify(await db().selectFrom('device_logins').selectAll().execute())
  expect(rows).not.toContain(deviceCode)
  expect(rows).not.toContain('cwk_')
})

test('a login that was denied gets nothing', async () => {
  const { deviceCode, userCode } = await start()
  await decide(userCode, false)
  expect(await collect(deviceCode)).toEqual({ state: 'denied' })
  expect(await catwalkErrorOf(collect(deviceCode))).toMatchObject({ code: 'device_login_invalid' })
})

test('a code that has expired can neither be approved nor collected', async () => {
  const { deviceCode, userCode } = await start()
  await db()
    .updateTable('device_logins')
    .set({ expires_at: new Date(Date.now() - 1000) })
    .execute()
  const attempts = [
    () => decide(userCode),
    () => collect(deviceCode),
    () => people.lookAtDeviceLogin(db(), userCode),
  ]
  for (const attempt of attempts) {
    expect(await catwalkErrorOf(attempt())).toMatchObject({ code: 'device_login_invalid' })
  }
})

test('whoever asks too often is told to wait longer', async () => {
  const { deviceCode } = await start()
  await collect(deviceCode)
  expect(await collect(deviceCode)).toEqual({ state: 'pending', intervalS: 8 })
})

test('the code that the person types collects nothing', async () => {
  const { userCode } = await start()
  await decide(userCode)
  expect(await catwalkErrorOf(collect(userCode))).toMatchObject({ code: 'device_login_invalid' })
})

test('an API key lets no terminal in, and nobody gives a role above their own', async () => {
  const { userCode } = await start()
  const key: Actor = { ...owner, kind: 'api_key', id: 'key_1' }
  expect(await catwalkErrorOf(decide(userCode, true, key))).toMatchObject({ code: 'forbidden' })
  const { token } = await people.createInvitation(db(), owner, {
    role: 'viewer',
    email: null,
    expiresInDays: 1,
  })
  const person = { name: 'Eve', email: 'eve@example.com', password: 'correct horse battery' }
  await people.joinByInvitation(db(), token, person, null)
  const { id } = await db()
    .selectFrom('users')
    .select('id')
    .where('email', '=', person.email)
    .executeTakeFirstOrThrow()
  const viewer: Actor = { ...owner, id, label: person.email, role: 'viewer' }
  expect(await catwalkErrorOf(decide(userCode, true, viewer))).toMatchObject({ code: 'forbidden' })
})

test('whoever has left the workspace meanwhile lets nobody in', async () => {
  const { token } = await people.createInvitation(db(), owner, {
    role: 'member',
    email: null,
    expiresInDays: 1,
  })
  const person = { name: 'Bo', email: 'bo@example.com', password: 'correct horse battery' }
  await people.joinByInvitation(db(), token, person, null)
  const { id } = await db()
    .selectFrom('users')
    .select('id')
    .where('email', '=', person.email)
    .executeTakeFirstOrThrow()
  const { deviceCode, userCode } = await start()
  await decide(userCode, true, { ...owner, id, label: person.email, role: 'member' })
  await people.removeMember(db(), owner, id)
  expect(await collect(deviceCode)).toEqual({ state: 'denied' })
})
