import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { people } from '../../src/auth/index.ts'
import type { Actor, Role } from '../../src/domain/index.ts'
import { catwalkErrorOf } from '../support/errors.ts'
import { cookieHeader, makeOwner, openAccounts, type Accounts } from './support.ts'

let accounts: Accounts
let owner: Actor
let count = 0
const PASSWORD = 'correct horse battery'

beforeAll(async () => {
  accounts = await openAccounts()
  owner = await makeOwner(accounts)
})
afterAll(() => accounts[Symbol.asyncDispose]())

const db = () => accounts.database.kysely
const invite = (role: Role, email: string | null = null) =>
  people.createInvitation(db(), owner, { role, email, expiresInDays: 1 })

/** Somebody who joined the owner's workspace by an invitation. */
async function joined(role: Role): Promise<Actor> {
  const email = `person${++count}@example.com`
  const { token } = await invite(role)
  await people.joinByInvitation(db(), token, { name: 'P', email, password: PASSWORD }, null)
  const { id } = await db()
    .selectFrom('users')
    .select('id')
    .where('email', '=', email)
    .executeTakeFirstOrThrow()
  return { kind: 'user', id, label: email, workspaceId: owner.workspaceId, role, address: null }
}

const make = (actor: Actor, role: Role) =>
  people.createApiKey(db(), actor, { name: 'k', role, expiresInDays: null })
const scoped = (actor: Actor, scopes: readonly string[] | null) =>
  people.createApiKey(db(), actor, { name: 'k', role: 'member', scopes, expiresInDays: null })
const enter = (email: string, password = PASSWORD) =>
  accounts.auth.signIn({ email, password }, new Headers(), null)
const who = async (cookies: readonly string[]) =>
  accounts.auth.authenticate(new Headers({ cookie: cookieHeader(cookies) }), null)
const bearer = (key: string) => new Headers({ authorization: `Bearer ${key}` })

describe('scopes of an API key', () => {
  test('are kept, listed, and come with whoever signs in by it', async () => {
    const made = await scoped(owner, ['logs:read'])
    expect(made.scopes).toEqual(['logs:read'])
    expect(await people.listApiKeys(db(), owner)).toContainEqual(
      expect.objectContaining({ id: made.id, scopes: ['logs:read'] }),
    )
    const signedIn = await accounts.auth.authenticate(bearer(made.key), null)
    expect(signedIn?.actor.scopes).toEqual(['logs:read'])
  })

  test('do not grow: such a key makes no key that may more than itself', async () => {
    const made = await scoped(owner, ['api-keys:write', 'logs:read'])
    const actor = (await accounts.auth.authenticate(bearer(made.key), null))?.actor
    if (actor === undefined) throw new Error('The key does not work.')
    await expect(scoped(actor, null)).rejects.toThrow(/makes no key without scopes/)
    await expect(scoped(actor, ['logs:read', 'audit:read'])).rejects.toThrow(/with the scope audit:read/)
    expect((await scoped(actor, ['logs:read', 'api-keys:read'])).scopes).toEqual([
      'logs:read',
      'api-keys:read',
    ])
  })
})

describe('an invitation', () => {
  test('makes an account with a workspace of its own, and a member of the one that invited', async () => {
    const person = await joined('viewer')
    const workspaces = await people.listWorkspaces(db(), person)
    // Where somebody was invited to comes first.
    expect(workspaces.map(({ id, role }) => [id === owner.workspaceId, role])).toEqual([
      [true, 'viewer'],
      [false, 'owner'],
    ])
  })

  test('that was used lets nobody else in, even at the same moment', async () => {
    const { token } = await invite('member')
    const tries = await Promise.allSettled(
      [1, 2, 3].map((index) =>
        people.joinByInvitation(
          db(),
          token,
          { name: 'P', email: `race${index}@example.com`, password: PASSWORD },
          null,
        ),
      ),
    )
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    const made = await db().selectFrom('users').select('id').where('email', 'like', 'race%').execute()
    expect(made).toHaveLength(1)
  })

  test('that has expired or was taken back lets nobody in', async () => {
    const late = await invite('member')
    await db()
      .updateTable('invitations')
      .set({ expires_at: new Date(0) })
      .where('id', '=', late.id)
      .execute()
    const back = await invite('member')
    await people.revokeInvitation(db(), owner, back.id)
    const stranger = await joined('viewer')
    for (const { token } of [late, back, { token: 'guessed' }]) {
      expect((await catwalkErrorOf(people.acceptInvitation(db(), stranger, token))).code).toBe(
        'invitation_invalid',
      )
    }
  })

  test('for one address is of no use to another', async () => {
    const { token } = await invite('admin', 'Chosen@example.com')
    const other = await joined('viewer')
    const error = await catwalkErrorOf(people.acceptInvitation(db(), other, token))
    expect(error.code).toBe('invitation_invalid')
    const join = (email: string) =>
      people.joinByInvitation(db(), token, { name: 'P', email, password: PASSWORD }, null)
    expect((await catwalkErrorOf(join('someone@example.com'))).code).toBe('invitation_invalid')
    await join('chosen@example.com')
  })

  test('is not for a role above that of the one who invites', async () => {
    const admin = await joined('admin')
    const wanted = { role: 'owner', email: null, expiresInDays: 1 } as const
    expect((await catwalkErrorOf(people.createInvitation(db(), admin, wanted))).code).toBe('forbidden')
  })

  test('is stored as a hash only', async () => {
    const { token } = await invite('viewer')
    const rows = await db().selectFrom('invitations').selectAll().execute()
    const audit = await db().selectFrom('audit_entries').selectAll().execute()
    expect(JSON.stringify([rows, audit])).not.toContain(token)
  })
})

describe('roles', () => {
  test('an admin neither makes owners nor touches one', async () => {
    const admin = await joined('admin')
    const change = (id: string, role: Role) => people.changeRole(db(), admin, id, role)
    expect((await catwalkErrorOf(change(admin.id, 'owner'))).code).toBe('forbidden')
    expect((await catwalkErrorOf(change(owner.id, 'viewer'))).code).toBe('forbidden')
    expect((await catwalkErrorOf(people.removeMember(db(), admin, owner.id))).code).toBe('forbidden')
  })

  test('a request that was let in as an admin does nothing once its sender is none', async () => {
    const admin = await joined('admin')
    const victim = await joined('member')
    await people.changeRole(db(), owner, admin.id, 'viewer')
    // The actor still says admin, as a request in flight does.
    expect((await catwalkErrorOf(people.changeRole(db(), admin, victim.id, 'viewer'))).code).toBe('forbidden')
    expect((await catwalkErrorOf(people.removeMember(db(), admin, victim.id))).code).toBe('forbidden')
    const wanted = { role: 'viewer', email: null, expiresInDays: 1 } as const
    expect((await catwalkErrorOf(people.createInvitation(db(), admin, wanted))).code).toBe('forbidden')
  })

  test('the last owner neither leaves nor steps down', async () => {
    expect((await catwalkErrorOf(people.removeMember(db(), owner, owner.id))).code).toBe('last_owner')
    expect((await catwalkErrorOf(people.changeRole(db(), owner, owner.id, 'admin'))).code).toBe('last_owner')
  })

  test('of two owners who remove each other at the same moment one stays', async () => {
    const other = await joined('owner')
    const tries = await Promise.allSettled([
      people.changeRole(db(), owner, other.id, 'member'),
      people.changeRole(db(), other, other.id, 'member'),
    ])
    expect(tries.some(({ status }) => status === 'fulfilled')).toBe(true)
    const members = await people.listMembers(db(), owner.workspaceId)
    expect(members.some(({ role }) => role === 'owner')).toBe(true)
  })
})

describe('API keys', () => {
  test('never do more than the one who made them may do now, and die with the membership', async () => {
    const person = await joined('admin')
    const { key } = await make(person, 'admin')
    const role = async () => (await accounts.auth.authenticate(bearer(key), null))?.actor.role
    expect(await role()).toBe('admin')
    await people.changeRole(db(), owner, person.id, 'viewer')
    expect(await role()).toBe('viewer')
    await people.removeMember(db(), owner, person.id)
    expect(await role()).toBeUndefined()
  })

  test('are not made with a role above one’s own', async () => {
    expect((await catwalkErrorOf(make(await joined('member'), 'admin'))).code).toBe('forbidden')
  })

  test('of others are neither shown to a member nor revoked by one', async () => {
    const { id } = await make(owner, 'viewer')
    const member = await joined('member')
    expect(await people.listApiKeys(db(), member)).toEqual([])
    expect((await catwalkErrorOf(people.revokeApiKey(db(), member, id))).code).toBe('api_key_not_found')
  })

  test('open no workspace but their own', async () => {
    const person = await joined('viewer')
    const [, personal] = await people.listWorkspaces(db(), person)
    const { key } = await make(owner, 'owner')
    const entering = accounts.auth.authenticate(bearer(key), null, personal?.id)
    expect((await catwalkErrorOf(entering)).code).toBe('workspace_not_found')
  })
})

describe('passwords and sessions', () => {
  test('a new password ends every other session, and the old one opens nothing', async () => {
    const person = await joined('viewer')
    const [stolen, current] = [await enter(person.label), await enter(person.label)]
    const sessionId = (await who(current))?.sessionId ?? null
    const wrong = people.changePassword({ database: db(), guard: accounts.auth.guard }, person, sessionId, {
      current: 'no',
      password: 'another phrase',
    })
    expect((await catwalkErrorOf(wrong)).code).toBe('invalid_credentials')
    await people.changePassword({ database: db(), guard: accounts.auth.guard }, person, sessionId, {
      current: PASSWORD,
      password: 'another phrase',
    })
    expect(await who(stolen)).toBeNull()
    expect(await who(current)).not.toBeNull()
    expect((await catwalkErrorOf(enter(person.label))).code).toBe('invalid_credentials')
    await enter(person.label, 'another phrase')
  })

  test('a reset link works once, and a newer one kills it', async () => {
    const person = await joined('viewer')
    const session = await enter(person.label)
    const older = await people.issuePasswordReset(db(), owner, person.label)
    const { token } = await people.issuePasswordReset(db(), owner, person.label)
    const redeem = (with_: string) =>
      people.redeemPasswordReset(db(), { token: with_, password: 'reset phrase 1' }, null)
    expect((await catwalkErrorOf(redeem(older.token))).code).toBe('reset_link_invalid')
    await redeem(token)
    expect((await catwalkErrorOf(redeem(token))).code).toBe('reset_link_invalid')
    expect(await who(session)).toBeNull()
    await enter(person.label, 'reset phrase 1')
  })

  test('nobody ends the session of another', async () => {
    const [a, b] = [await joined('viewer'), await joined('owner')]
    const session = await enter(a.label)
    const id = (await who(session))?.sessionId ?? ''
    expect((await catwalkErrorOf(people.revokeSession(db(), b, id))).code).toBe('session_not_found')
    await people.revokeSession(db(), a, id)
    expect(await who(session)).toBeNull()
  })

  test('a workspace that one is not in is not there', async () => {
    const person = await joined('viewer')
    const [, personal] = await people.listWorkspaces(db(), person)
    const session = cookieHeader(await enter('ada@example.com', 'correct horse battery'))
    const cookie = new Headers({ cookie: session })
    const error = await catwalkErrorOf(accounts.auth.authenticate(cookie, null, personal?.id))
    expect(error.code).toBe('workspace_not_found')
  })
})
