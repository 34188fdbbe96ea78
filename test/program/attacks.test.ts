import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createApiClient, routes, type ApiClient, type Route } from '../../src/contract/index.ts'
import { openDatabase, type Database } from '../../src/db/index.ts'
import type { Secret } from '../../src/domain/index.ts'
import { sendBytes } from '../abuse/raw-http.ts'
import { cookieHeader, tokenOf } from '../auth/support.ts'
import { startNpmRegistry } from '../fakes/npm-registry.ts'
import { testServerUrl } from '../support/database.ts'
import { TEMPLATE, urlOfDatabase } from '../support/database-server.ts'
import { silentLogger } from '../support/logger.ts'
import { startProgram, type Program } from '../support/program.ts'
import { until } from '../support/until.ts'

const PASSWORD = 'correct horse battery'
const stack = new AsyncDisposableStack()
let program: Program
let database: Database
let api: ApiClient
let localKey: string

beforeAll(async () => {
  const server = await testServerUrl()
  const admin = stack.use(await open(server))
  const name = `attacks_${randomUUID().replaceAll('-', '')}`
  await sql`create database ${sql.id(name)} template ${sql.id(TEMPLATE)}`.execute(admin.kysely)
  stack.defer(async () => {
    await sql`drop database if exists ${sql.id(name)} with (force)`.execute(admin.kysely)
  })
  const url = urlOfDatabase(server, name)
  database = stack.use(await open(url))
  const registry = stack.use(await startNpmRegistry([]))
  // It never answers, so that an analysis stays under way.
  registry.interfere(() => undefined)
  program = stack.use(
    await startProgram({
      env: {
        DATABASE_URL: url.reveal(),
        CATWALK_LOG_LEVEL: 'debug',
        CATWALK_API_ADDRESS_REQUESTS_PER_MINUTE: '0',
        npm_config_registry: registry.url,
        npm_config_userconfig: '/nonexistent',
      },
    }),
  )
  localKey = (await readFile(join(program.dataDir, 'cli.key'), 'utf8')).trim()
  api = createApiClient({ origin: program.origin, apiKey: localKey })
  const token = tokenOf(new URL(program.setUpLink ?? ''))
  await post('/api/v1/setup', {
    token,
    name: 'Ada',
    email: 'ada@example.com',
    password: PASSWORD,
  })
}, 60_000)
afterAll(() => stack.disposeAsync())

function open(url: Secret): Promise<Database> {
  return openDatabase(
    { url, dataDir: null, logger: silentLogger, poolSize: 2, migrate: false },
    new AbortController().signal,
  )
}

function post(path: string, body: object, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${program.origin}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: program.origin, ...headers },
    body: JSON.stringify(body),
  })
}

/** Sends a request line as it is, which no HTTP client would. */
async function raw(target: string, headers: readonly string[] = []): Promise<{ head: string; body: string }> {
  const { host } = new URL(program.origin)
  const lines = [`GET ${target} HTTP/1.1`, `Host: ${host}`, 'Connection: close', ...headers, '', '']
  const { text } = await sendBytes(program.origin, lines.join('\r\n'))
  const end = text.indexOf('\r\n\r\n')
  return { head: end === -1 ? text : text.slice(0, end), body: text.slice(end + 4) }
}

async function rawUnder(name: string, host: string): Promise<{ head: string }> {
  const { text } = await sendBytes(
    `http://${host}`,
    `GET /api/v1/me HTTP/1.1\r\nHost: ${name}\r\nConnection: close\r\nAuthorization: Bearer ${localKey}\r\n\r\n`,
  )
  return { head: text.split('\r\n\r\n')[0] ?? '' }
}

describe('what an attacker would have won over the network', () => {
  test.each([
    '/../../../../etc/passwd',
    '/..%2f..%2f..%2f..%2fetc%2fpasswd',
    '/%2e%2e/%2e%2e/%2e%2e/etc/passwd',
    '/assets/../../../package.json',
    '/assets/..%2f..%2f..%2fpackage.json',
    '/assets/....//....//package.json',
    '/assets/..\\..\\..\\package.json',
    '/assets/%00/../../package.json',
    '/docs/../package.json',
    '/docs/..%2fpackage',
    '/docs/..%2f..%2fetc%2fpasswd',
    '/docs/%2e%2e%2fREADME',
    'http://127.0.0.1/../../etc/passwd',
    '//etc/passwd',
    '/mcp/../../etc/passwd',
  ])('a file of this machine, by the path %s', async (path) => {
    const { head, body } = await raw(path)
    expect(head).toMatch(/^HTTP\/1\.1 (?:200|301|400|401|403|404) /)
    for (const content of ['root:x:', '"dependencies"', '# Catwalk']) expect(body).not.toContain(content)
  })

  const BREAK = '%0d%0aset-cookie:%20pwned=1%0d%0a%0d%0a<script>'
  test.each([
    `/${BREAK}`,
    `/deployments/${BREAK}`,
    `/sign-in?back=${BREAK}`,
    `/docs/${BREAK}`,
    `/api/v1/deployments/${BREAK}`,
    `/api/v1/audit?action=${BREAK}`,
    `/api/auth/${BREAK}`,
    `/mcp/${BREAK}`,
    `/.well-known/${BREAK}`,
  ])('a header of their own in the answer, by line breaks in %s', async (path) => {
    const { head } = await raw(path, [`Authorization: Bearer ${localKey}`])
    expect(head).toMatch(/^HTTP\/1\.1 \d{3} /)
    expect(head.toLowerCase()).not.toContain('pwned')
  })

  test('a second request in the first, by a header that is folded or has a bare line feed', async () => {
    for (const header of [
      'X-Request-Id: aaaaaaaa\r\n X-Admin: 1',
      'X-Request-Id: aaaaaaaa\nX-Admin: 1',
      'X-A: \x00',
    ]) {
      expect((await raw('/api/v1/me', [header])).head).toMatch(/^HTTP\/1\.1 40[01] /)
    }
  })

  test('the database, by SQL in any parameter of any route that reads', async () => {
    const evil = `x' or 1=1; drop table members; --`
    const headers = { authorization: `Bearer ${localKey}` }
    for (const [name, { method, path, query, stream }] of Object.entries<Route>(routes)) {
      if (method !== 'get' || stream === true || (query === undefined && !path.includes('{'))) continue
      const address = path.replaceAll(/\{\w+\}/g, encodeURIComponent(evil))
      const search = new URLSearchParams(
        Object.fromEntries(Object.keys(query?.shape ?? {}).map((key) => [key, evil])),
      )
      for (const wanted of [`${address}?${search.toString()}`, address]) {
        const response = await fetch(`${program.origin}/api/v1${wanted}`, { headers })
        expect({ name, broken: response.status >= 500 }).toEqual({ name, broken: false })
        await response.body?.cancel()
      }
    }
    expect(await api.call('renameWorkspace', { body: { name: evil } })).toMatchObject({ name: evil })
    const { rows } = await sql<{ count: number }>`select count(*)::int4 as count from members`.execute(
      database.kysely,
    )
    expect(rows[0]?.count).toBeGreaterThan(0)
  })

  test('a line of their own in the log, or the terminal of who reads it, by what they send', async () => {
    const fake = '{"level":"error","msg":"forged"}'
    const forged = encodeURIComponent(`\n${fake}\u001B[2J\u001B]0;pwned\u0007`)
    await raw(`/api/v1/deployments/${forged}`, [
      `Authorization: Bearer ${localKey}`,
      `User-Agent: \x9b2J${fake}`,
    ])
    await raw(`/mcp/${forged}`, [`Authorization: Bearer ${forged}`])
    await post('/api/auth/sign-in/email', { email: `a@example.com\n${fake}`, password: `\u001B[2J${fake}` })
    await api.call('renameWorkspace', { body: { name: `\u001B[2J\n${fake}` } }).catch(() => undefined)
    const lines = program.output().split('\n')
    for (const control of ['\u001B', '\u0007', '\u009B']) expect(program.output()).not.toContain(control)
    expect(lines.filter((line) => line.startsWith(fake))).toEqual([])
  })

  test('somebody else to blame in the audit log, by headers that only a proxy may set', async () => {
    const claimed = '203.0.113.9'
    const headers = {
      'x-forwarded-for': claimed,
      forwarded: `for=${claimed}`,
      'x-real-ip': claimed,
      'cf-connecting-ip': claimed,
      'x-catwalk-address': claimed,
    }
    const signedIn = await post(
      '/api/auth/sign-in/email',
      { email: 'ada@example.com', password: PASSWORD },
      headers,
    )
    expect(signedIn.status).toBe(200)
    const { rows } = await sql<{ row: string }>`select t::text as row from audit_entries t
      union all select t::text from sessions t`.execute(database.kysely)
    expect(rows.length).toBeGreaterThan(1)
    expect(rows.filter(({ row }) => row.includes(claimed))).toEqual([])
  })

  test('links to their own site, by a Host or forwarded host that is not ours', async () => {
    const { host } = new URL(program.origin)
    const headers = {
      authorization: `Bearer ${localKey}`,
      'x-forwarded-host': 'evil.example',
      'x-forwarded-proto': 'https',
    }
    const response = await fetch(`${program.origin}/api/v1/invitations`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: '{}',
    })
    expect(response.status).toBe(201)
    const made = await response.text()
    expect(made).not.toContain('evil.example')
    const { head } = await rawUnder('evil.example', host)
    expect(head).toMatch(/^HTTP\/1\.1 403 /)
  })
})

interface Watching {
  readonly ended: Promise<unknown>
  readonly isOver: () => boolean
}

/** Follows an analysis that does not end, which needs the role of a member. */
async function watch(id: string, workspaceId: string, headers: Record<string, string>): Promise<Watching> {
  const response = await fetch(`${program.origin}/api/v1/analyses/${id}/feed`, {
    headers: { ...headers, 'x-catwalk-workspace': workspaceId },
  })
  expect(response.status).toBe(200)
  let over = false
  const ended = response
    .text()
    .catch(() => null)
    .finally(() => {
      over = true
    })
  return { ended, isOver: () => over }
}

describe('what somebody would have kept after losing it', () => {
  test('a running stream: after a lesser role, a removal, the end of the session, a revoked key', async () => {
    const { workspace } = await api.call('getMe', {})
    const analysis = await api.call('startAnalysis', { body: { source: 'npm:never-answers' } })
    const other = await api.call('createApiKey', { body: { name: 'watches on', role: 'member' } })
    const control = await watch(analysis.id, workspace.id, { authorization: `Bearer ${other.key}` })

    const comeIn = async (email: string) => {
      const invitation = await api.call('createInvitation', { body: { role: 'member' } })
      const token = tokenOf(new URL(invitation.url))
      const joined = await post('/api/v1/invitation-links/join', {
        token,
        name: 'M',
        email,
        password: PASSWORD,
      })
      expect(joined.status).toBe(201)
      const { items } = await api.call('listMembers', {})
      const userId = items.find((member) => member.email === email)?.userId ?? ''
      return { userId, cookie: cookieHeader(joined.headers.getSetCookie()) }
    }
    const lesser = await comeIn('lesser@example.com')
    const removed = await comeIn('removed@example.com')
    const left = await comeIn('left@example.com')
    const key = await api.call('createApiKey', { body: { name: 'revoked', role: 'member' } })

    const losses: readonly (readonly [Record<string, string>, () => Promise<unknown>])[] = [
      [
        { cookie: lesser.cookie },
        () => api.call('changeRole', { params: { userId: lesser.userId }, body: { role: 'viewer' } }),
      ],
      [{ cookie: removed.cookie }, () => api.call('removeMember', { params: { userId: removed.userId } })],
      [{ cookie: left.cookie }, () => post('/api/auth/sign-out', {}, { cookie: left.cookie })],
      [{ authorization: `Bearer ${key.key}` }, () => api.call('revokeApiKey', { params: { id: key.id } })],
    ]
    for (const [headers, lose] of losses) {
      const watching = await watch(analysis.id, workspace.id, headers)
      await lose()
      // Far less than the 15 s after which a silent stream is looked at anyway.
      await until('the stream is over', () => (watching.isOver() ? true : null), 8000)
      const again = await fetch(`${program.origin}/api/v1/analyses/${analysis.id}/feed`, {
        headers: { ...headers, 'x-catwalk-workspace': workspace.id },
      })
      expect([401, 403, 404]).toContain(again.status)
      await again.body?.cancel()
    }
    expect(control.isOver()).toBe(false)
  }, 60_000)
})

// Last, because afterwards this address may try nothing for a minute.
describe('what an attacker would have won by trying', () => {
  test('a limit of their own for each guess of an endpoint token, by a new X-Forwarded-For each time', async () => {
    const statuses = new Set<number>()
    for (let number = 0; number < 130; number += 1) {
      const response = await fetch(`${program.origin}/mcp/some-endpoint`, {
        method: 'POST',
        headers: { authorization: `Bearer guess-${number}`, 'x-forwarded-for': `203.0.113.${number}` },
      })
      statuses.add(response.status)
      await response.body?.cancel()
    }
    expect([...statuses]).toEqual([401, 429])
  })

  test('a password, by a new X-Forwarded-For for each guess; once limited, not even the right one is told apart', async () => {
    const statuses: number[] = []
    for (let number = 0; number < 14; number += 1) {
      const headers = { 'x-forwarded-for': `198.51.100.${number}` }
      const password = number === 13 ? PASSWORD : `wrong guess ${number}`
      const response = await post('/api/auth/sign-in/email', { email: 'ada@example.com', password }, headers)
      statuses.push(response.status)
      await response.body?.cancel()
    }
    expect(statuses.at(-1)).toBe(429)
    expect(statuses).not.toContain(200)
  })
})
