import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAccountHandlers, createApi, createPeopleHandlers } from '../../src/api/index.ts'
import { people } from '../../src/auth/index.ts'
import { cookieHeader, makeOwner, openAccounts, PUBLIC_URL, type Accounts } from '../auth/support.ts'
import { routes, type Route, type RouteName } from '../../src/contract/index.ts'
import { apiOptions, ask, handlersWith, ORIGIN, pathOf, recordingLogger, signedInAs } from './support.ts'

let accounts: Accounts
beforeAll(async () => {
  accounts = await openAccounts()
  await makeOwner(accounts)
})
afterAll(() => accounts[Symbol.asyncDispose]())

const json = { 'content-type': 'application/json', origin: ORIGIN }

function options(signUp: 'open' | 'invitation' = 'open') {
  return apiOptions({
    auth: accounts.auth,
    handlers: handlersWith({
      ...createAccountHandlers(accounts),
      ...createPeopleHandlers({
        database: accounts.database.kysely,
        auth: accounts.auth,
        publicUrl: PUBLIC_URL,
        signUp,
      }),
    }),
  })
}

const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  ask(options(), path, { method: 'POST', headers: { ...json, ...headers }, body: JSON.stringify(body) })

const person = (name: string) => ({ name, email: `${name}@example.com`, password: 'correct horse battery' })

describe('what an attacker would have won', () => {
  test('an account of somebody else, by a session id planted before they sign in', async () => {
    const planted = 'catwalk.session_token=planted.c2lnbmF0dXJl'
    await people.signUp(accounts.database.kysely, person('fixed'), null)
    const answer = await post('/api/auth/sign-in/email', person('fixed'), { cookie: planted })
    const cookie = cookieHeader(answer.headers.getSetCookie())
    expect(cookie).toMatch(/^catwalk\.session_token=/)
    expect(cookie).not.toContain('planted')
    expect((await ask(options(), '/api/v1/me', { headers: { cookie: planted } })).status).toBe(401)
    expect((await ask(options(), '/api/v1/me', { headers: { cookie } })).status).toBe(200)
  })

  test.each(['role', 'isInstallationAdmin', 'is_installation_admin', 'workspaceId', 'emailVerified', 'id'])(
    'rights of an admin, by a field %s that sign-up does not have',
    async (field) => {
      const answer = await post('/api/v1/sign-up', { ...person('mass'), [field]: 'owner' })
      expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_request' } })
    },
  )

  test('an account where none are made, by calling what the page does not show', async () => {
    const body = JSON.stringify(person('uninvited'))
    for (const path of ['/api/v1/sign-up', '/api/auth/sign-up/email']) {
      const answer = await ask(options('invitation'), path, { method: 'POST', headers: json, body })
      expect([403, 404]).toContain(answer.status)
    }
  })

  test('what the library can do beside what is used: none of it answers', async () => {
    for (const path of ['list-sessions', 'update-user', 'change-email', 'delete-user', 'get-session', 'ok']) {
      expect((await post(`/api/auth/${path}`, {})).status).toBe(404)
    }
  })

  test('a header of their own in the answer or a line in the log, by a request id with line breaks', async () => {
    const logger = recordingLogger()
    const broken = { ...options(), logger }
    for (const id of ['abcdefgh%0d%0aset-cookie: a=b', 'x'.repeat(500), 'abcd"efgh{}', '../../etc']) {
      const answer = await ask(broken, '/api/v1/nothing', { headers: { 'x-request-id': id } })
      expect(answer.headers.get('x-request-id')).toMatch(/^req_\w+$/)
      expect(answer.headers.get('set-cookie')).toBeNull()
    }
    expect(JSON.stringify(logger.entries)).not.toContain('set-cookie')
  })

  test('the memory or the stack, by a body that is nested without end', async () => {
    const deep = '['.repeat(200_000) + ']'.repeat(200_000)
    const signedIn = signedInAs('owner')
    const answer = await ask(apiOptions({ signedIn }), '/api/v1/deployments', {
      method: 'POST',
      headers: json,
      body: `{"source": ${deep}}`,
    })
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_request' } })
  })

  test('rows of others, by a path parameter that is no id', async () => {
    const signedIn = signedInAs('owner')
    for (const id of ["x' or '1'='1", '..%2f..%2fetc', 'a b', '%00', 'x'.repeat(200), '*']) {
      const answer = await ask(apiOptions({ signedIn }), `/api/v1/deployments/${encodeURIComponent(id)}`)
      expect([400, 404]).toContain(answer.status)
    }
  })

  test('a workspace that they are not in, by a header that names no id', async () => {
    for (const workspace of ["ws_' or 1=1", 'ws_1', '*', 'ws_00000000000000000000000000']) {
      const cookie = cookieHeader(
        (await post('/api/auth/sign-in/email', person('fixed'))).headers.getSetCookie(),
      )
      const answer = await ask(options(), '/api/v1/me', {
        headers: { cookie, 'x-catwalk-workspace': workspace },
      })
      expect(answer).toMatchObject({ status: 404, body: { error: 'workspace_not_found' } })
    }
  })

  test('which addresses have an account, by what a wrong password says', async () => {
    const known = await post('/api/auth/sign-in/email', {
      email: 'fixed@example.com',
      password: 'wrong guess 1',
    })
    const unknown = await post('/api/auth/sign-in/email', {
      email: 'no@example.com',
      password: 'wrong guess 1',
    })
    const { requestId: _a, ...first } = known.body
    const { requestId: _b, ...second } = unknown.body
    expect([known.status, first]).toEqual([unknown.status, second])
  })

  test('a machine kept busy, by one account that asks without end', async () => {
    const limited = {
      ...apiOptions({ signedIn: signedInAs('viewer') }),
      requestLimits: { actorPerMinute: 5 },
    }
    const app = createApi(limited)
    const headers = { host: new URL(ORIGIN).host }
    const get = () => app.request(`${ORIGIN}/api/v1/deployments/x`, { headers }, {})
    for (let index = 0; index < 5; index++) expect((await get()).status).not.toBe(429)
    const refused = await get()
    expect(refused.status).toBe(429)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
  })
})

const ROUTES = Object.entries<Route>(routes).map(([name, route]) => ({ name: name as RouteName, route }))

/** The API for an admin of everything who is signed in by cookie. No handler may be reached. */
const houseOfAdmin = (() => {
  const signedIn = signedInAs('owner', 'cookie')
  const actor = { ...signedIn.actor, isInstallationAdmin: true }
  let now = 0
  // A minute passes between any two requests, so that no limit is in the way.
  const clock = { now: () => new Date((now += 60_000)) }
  return createApi(apiOptions({ signedIn: { ...signedIn, actor }, clock }))
})()

async function refusalOf(name: RouteName, headers: Record<string, string>, body: string): Promise<unknown> {
  const { method, body: takes } = routes[name] as Route
  const response = await houseOfAdmin.request(
    `${ORIGIN}${pathOf(name)}`,
    {
      method: method.toUpperCase(),
      headers: { host: new URL(ORIGIN).host, ...headers },
      ...(takes === undefined ? {} : { body }),
    },
    {},
  )
  return { status: response.status, ...((await response.json()) as object) }
}

describe('what another site would have won (CSRF)', () => {
  const changing = ROUTES.filter(({ route }) => route.method !== 'get')

  test.each(changing)('$name in the name of who is signed in', async ({ name }) => {
    for (const headers of [
      { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
      { origin: 'null', 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
    ]) {
      const all = { 'content-type': 'application/json', cookie: 'catwalk.session_token=x', ...headers }
      expect(await refusalOf(name, all, '{}')).toMatchObject({ status: 403, error: 'forbidden' })
    }
  })

  test.each(changing.filter(({ route }) => route.body !== undefined))(
    '$name by a form, which can send no JSON',
    async ({ name }) => {
      for (const type of [
        'text/plain',
        'application/x-www-form-urlencoded',
        'multipart/form-data; boundary=x',
      ]) {
        const answer = await refusalOf(name, { 'content-type': type, origin: ORIGIN }, '{}')
        expect(answer).toMatchObject({ status: 400, error: 'invalid_request' })
      }
    },
  )
})

describe('what a field that nobody offered would have won (mass assignment)', () => {
  test.each(ROUTES.filter(({ route }) => route.body !== undefined))(
    '$name refuses it',
    async ({ name, route }) => {
      const fields = { isInstallationAdmin: true, workspaceId: 'ws_1' }
      const answer = await refusalOf(name, json, JSON.stringify(fields))
      expect(answer).toMatchObject({ status: 400, error: 'invalid_request' })
      expect(JSON.stringify(route.body?.safeParse(fields).error?.issues)).toContain('unrecognized_keys')
    },
  )
})

test('what a stop-watch would have won: no secret is compared letter by letter, only looked up by its hash', async () => {
  const secret = String.raw`[\w.]*(?:secret|token|password|signature|hmac|apiKey)(?:\.reveal\(\))?`
  const other = String.raw`(?!\s*(?:null\b|undefined\b|true\b|false\b|['"\x60\d-]))\s*`
  const suspicious = new RegExp(
    String.raw`\.reveal\(\)\s*[!=]==?|[!=]==?\s*[\w.]+\.reveal\(\)|\b${secret}\s*[!=]==?(?!=)${other}`,
    'i',
  )
  for (const sample of [
    'if (token === given)',
    'a.secret.reveal() !== b',
    'x === key.reveal()',
    'row.apiKey == shown',
  ])
    expect(sample).toMatch(suspicious)
  const root = join(import.meta.dirname, '../../src')
  const files = (await readdir(root, { recursive: true })).filter(
    (path) => path.endsWith('.ts') && !path.endsWith('.test.ts') && !path.startsWith('cli/'),
  )
  const found = await Promise.all(
    files.map(async (path) =>
      (await readFile(join(root, path), 'utf8'))
        .split('\n')
        .filter((line) => suspicious.test(line) && !/^\s*(?:\*|\/\/)/.test(line))
        .map((line) => `${path}: ${line.trim()}`),
    ),
  )
  expect(found.flat()).toEqual([])
})
