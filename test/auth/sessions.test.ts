import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAuth } from '../../src/auth/index.ts'
import { Secret } from '../../src/domain/index.ts'
import { silentLogger } from '../support/logger.ts'
import { cookieHeader, makeOwner, openAccounts, owner, PUBLIC_URL, type Accounts } from './support.ts'

const ADDRESS = '192.0.2.1'

// Another caller each time, so that tests do not use up each other's attempts.
let callers = 0
const nextAddress = () => `198.51.100.${(callers += 1)}`

function post(path: string, body: unknown, headers: Record<string, string> = {}): Request {
  return new Request(new URL(path, PUBLIC_URL), {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: PUBLIC_URL.origin, ...headers },
    body: JSON.stringify(body),
  })
}

// For tests that change nothing.
let shared: Accounts
beforeAll(async () => {
  shared = await openAccounts()
  await makeOwner(shared)
})
afterAll(() => shared[Symbol.asyncDispose]())

const credentials = { email: owner.email, password: owner.password }

async function signIn({ auth }: Accounts, headers: Record<string, string> = {}): Promise<string[]> {
  const response = await auth.handler(post('/api/auth/sign-in/email', credentials, headers), ADDRESS)
  expect(response.status).toBe(200)
  return response.headers.getSetCookie()
}

/** The answer to an attempt to sign in, or the error. */
async function attempt(
  { auth }: Accounts,
  body: unknown,
  headers: Record<string, string> = {},
  address = nextAddress(),
): Promise<unknown> {
  return auth
    .handler(post('/api/auth/sign-in/email', body, headers), address)
    .catch((error: unknown) => error)
}

describe('signing in', () => {
  test('gives a cookie that scripts cannot read and other sites do not send', async () => {
    await using accounts = await openAccounts()
    await makeOwner(accounts)
    const [cookie, ...others] = await signIn(accounts)
    expect(others).toEqual([])
    expect(cookie).toMatch(/^catwalk\.session_token=[^;]+; Max-Age=2592000; Path=\/; HttpOnly; SameSite=Lax$/)
  })

  test('over HTTPS gives a cookie that no neighbour of the same domain can plant', async () => {
    const publicUrl = new URL('https://cat.example.com')
    await using accounts = await openAccounts({ publicUrl })
    await makeOwner(accounts)
    const [cookie] = await signIn(accounts, { origin: publicUrl.origin })
    expect(cookie).toMatch(/^__Host-catwalk\.session_token=/)
    expect(cookie).toContain('Secure')
    expect(cookie).toContain('Path=/')
    expect(cookie).not.toMatch(/domain/i)
    const signedIn = accounts.auth.authenticate(new Headers({ cookie: cookieHeader([cookie ?? '']) }), null)
    expect((await signedIn)?.by).toBe('cookie')
  })

  test('and the cookie says who one is, with role and workspace', async () => {
    await using accounts = await openAccounts()
    const { id } = await makeOwner(accounts)
    const cookie = cookieHeader(await signIn(accounts, { 'user-agent': 'Test' }))
    const signedIn = await accounts.auth.authenticate(new Headers({ cookie }), ADDRESS)
    expect(signedIn).toEqual({
      actor: {
        kind: 'user',
        id,
        label: 'ada@example.com',
        workspaceId: accounts.workspaceId,
        role: 'owner',
        isInstallationAdmin: true,
        address: ADDRESS,
      },
      by: 'cookie',
      sessionId: expect.any(String),
      cookies: [],
    })
    const sessions = await accounts.database.kysely.selectFrom('sessions').selectAll().execute()
    expect(sessions).toMatchObject([{ user_id: id, ip_address: ADDRESS, user_agent: 'Test' }])
    const audit = await accounts.database.kysely.selectFrom('audit_entries').selectAll().execute()
    expect(audit.map(({ action }) => action).toSorted()).toEqual(['owner.create', 'session.create'])
    expect(audit).toContainEqual(expect.objectContaining({ action: 'session.create', address: ADDRESS }))
  })

  test.each([
    ['a wrong password', { ...credentials, password: 'wrong wrong wrong' }],
    ['an unknown email', { ...credentials, email: 'eve@example.com' }],
  ])('with %s is refused in the same words', async (_, body) => {
    expect(await attempt(shared, body)).toMatchObject({
      code: 'invalid_credentials',
      message: 'The email or the password is wrong.',
    })
  })

  test.each([[{}], [{ email: 5, password: 5 }], [{ email: 'x', password: '' }], ['text'], [null]])(
    'with %j is refused as not valid',
    async (body) => {
      expect(await attempt(shared, body)).toMatchObject({ code: 'invalid_request' })
    },
  )

  test('is limited to 10 attempts a minute from one address, whatever the caller claims it is', async () => {
    await using accounts = await openAccounts()
    let count = 0
    // Each time another account: who guesses at one is slowed down before.
    const guess = (address: string, claimed: string) => {
      const headers = { 'x-forwarded-for': claimed, 'x-catwalk-address': claimed }
      const email = `person${++count}@example.com`
      return attempt(accounts, { email, password: 'wrong wrong' }, headers, address)
    }
    for (let n = 0; n < 10; n += 1) {
      expect(await guess(ADDRESS, `198.51.100.${n}`)).toMatchObject({ code: 'invalid_credentials' })
    }
    expect(await guess(ADDRESS, '198.51.100.99')).toMatchObject({
      code: 'rate_limited',
      details: { retryAfterS: 60 },
    })
    expect(await guess('192.0.2.2', ADDRESS)).toMatchObject({ code: 'invalid_credentials' })
    accounts.clock.advance(60_000)
    expect(await guess(ADDRESS, ADDRESS)).toMatchObject({ code: 'invalid_credentials' })
  })

  test.each(['https://evil.example', 'http://localhost:1', 'null'])(
    'is refused from the origin %s',
    async (origin) => {
      for (const headers of [{ origin }, { origin, cookie: 'a=b' }]) {
        expect(await attempt(shared, credentials, headers)).toMatchObject({ code: 'forbidden' })
      }
    },
  )
})

describe('a session', () => {
  test('ends with signing out, on the server too', async () => {
    await using accounts = await openAccounts()
    await makeOwner(accounts)
    const cookie = cookieHeader(await signIn(accounts))
    await accounts.auth.handler(post('/api/auth/sign-out', {}, { cookie }), ADDRESS)
    expect(await accounts.auth.authenticate(new Headers({ cookie }), ADDRESS)).toBeNull()
    expect(await accounts.database.kysely.selectFrom('sessions').selectAll().execute()).toEqual([])
  })

  test('ends after its time', async () => {
    await using accounts = await openAccounts()
    await makeOwner(accounts)
    const cookie = cookieHeader(await signIn(accounts))
    const past = new Date(Date.now() - 1000)
    await accounts.database.kysely.updateTable('sessions').set({ expires_at: past }).execute()
    expect(await accounts.auth.authenticate(new Headers({ cookie }), ADDRESS)).toBeNull()
  })

  test('that is used goes on, with a new cookie once a day', async () => {
    await using accounts = await openAccounts()
    await makeOwner(accounts)
    const cookie = cookieHeader(await signIn(accounts))
    const soon = new Date(Date.now() + 60_000)
    await accounts.database.kysely.updateTable('sessions').set({ expires_at: soon }).execute()
    const signedIn = await accounts.auth.authenticate(new Headers({ cookie }), ADDRESS)
    expect(signedIn?.cookies).toHaveLength(1)
    const again = await accounts.auth.authenticate(
      new Headers({ cookie: cookieHeader(signedIn?.cookies ?? []) }),
      null,
    )
    expect(again?.cookies).toEqual([])
    const [session] = await accounts.database.kysely.selectFrom('sessions').select('expires_at').execute()
    expect(session?.expires_at.getTime()).toBeGreaterThan(Date.now() + 29 * 24 * 60 * 60_000)
  })

  test('is worth nothing once its person left the workspace', async () => {
    await using accounts = await openAccounts()
    await makeOwner(accounts)
    const cookie = cookieHeader(await signIn(accounts))
    await accounts.database.kysely.deleteFrom('members').execute()
    expect(await accounts.auth.authenticate(new Headers({ cookie }), ADDRESS)).toBeNull()
  })

  test('cannot be made from what the database holds, nor under another secret', async () => {
    await using accounts = await openAccounts()
    await makeOwner(accounts)
    const cookie = cookieHeader(await signIn(accounts))
    const [session] = await accounts.database.kysely.selectFrom('sessions').select('token').execute()
    for (const forged of [
      session?.token ?? '',
      `${session?.token}.`,
      `${session?.token}.${'A'.repeat(43)}%3D`,
    ]) {
      const headers = new Headers({ cookie: `catwalk.session_token=${forged}` })
      expect(await accounts.auth.authenticate(headers, ADDRESS)).toBeNull()
    }
    const other = createAuth({
      database: accounts.database.kysely,
      publicUrl: PUBLIC_URL,
      port: 7420,
      clock: accounts.clock,
      logger: silentLogger,
      secret: new Secret('t'.repeat(32)),
    })
    expect(await other.authenticate(new Headers({ cookie }), ADDRESS)).toBeNull()
  })

  test.each([
    ['an empty header', ''],
    ['an empty cookie', 'catwalk.session_token='],
    ['broken encoding', 'catwalk.session_token=%ff'],
    ['no names', '=;;='],
    ['a long word', 'a'.repeat(5000)],
  ])('is not found in %s, and nothing breaks', async (_, cookie) => {
    expect(await shared.auth.authenticate(new Headers({ cookie }), ADDRESS)).toBeNull()
  })
})

describe('the accounts library', () => {
  test.each([
    '/sign-up/email',
    '/get-session',
    '/update-user',
    '/delete-user',
    '/error',
    '/ok',
    '/',
    '/sign-in/social',
  ])('does not answer at %s', async (path) => {
    const body = { ...owner, email: 'eve@example.com', callbackURL: 'https://evil.example' }
    await expect(shared.auth.handler(post(`/api/auth${path}`, body), ADDRESS)).rejects.toMatchObject({
      code: 'not_found',
    })
    expect(await shared.database.kysely.selectFrom('users').selectAll().execute()).toHaveLength(1)
  })

  test('finds all its columns in our tables', async () => {
    const { getAuthTables } = await import('better-auth/db')
    const { createLibrary } = await import('../../src/auth/library.ts')
    const { options } = createLibrary({
      database: shared.database.kysely,
      publicUrl: PUBLIC_URL,
      port: 7420,
      clock: shared.clock,
      logger: silentLogger,
      secret: new Secret('s'.repeat(32)),
    })
    const tables = await shared.database.kysely.introspection.getTables()
    for (const table of Object.values(getAuthTables(options))) {
      const columns =
        tables.find(({ name }) => name === table.modelName)?.columns.map(({ name }) => name) ?? []
      const wanted = Object.entries(table.fields).map(([key, field]) => field.fieldName ?? key)
      expect(columns).toEqual(expect.arrayContaining(['id', ...wanted]))
    }
  })
})

test('a profile shows the person and the workspace, and nothing for an account that is gone', async () => {
  await using accounts = await openAccounts()
  const actor = await makeOwner(accounts)
  expect(await accounts.auth.profileOf(actor)).toEqual({
    user: { id: actor.id, name: 'Ada', email: 'ada@example.com' },
    apiKey: null,
    workspace: { id: accounts.workspaceId, name: 'Personal' },
    role: 'owner',
    isInstallationAdmin: true,
  })
  await accounts.database.kysely.deleteFrom('users').execute()
  await expect(accounts.auth.profileOf(actor)).rejects.toMatchObject({ code: 'unauthenticated' })
})
