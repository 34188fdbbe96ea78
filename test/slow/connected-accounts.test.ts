import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { sql } from 'kysely'
import type { Browser, Page } from 'playwright-core'
import type { Database } from '../../src/db/index.ts'
import { startAccountProvider, type FakeAccountProvider } from '../fakes/account-provider.ts'
import { startNpmRegistry, type NpmRegistry } from '../fakes/npm-registry.ts'
// Built once for all tests that need it.
import { ensureDashboard } from '../../scripts/lib/dashboard.mjs'
import { launchBrowser } from '../browser/support/browser.ts'
import { accessibilityProblems, openPage, overflow, type WatchedPage } from '../browser/support/page.ts'
import { openTestDatabase } from '../support/database.ts'
import { apiOf, startProgram, type Program } from '../support/program.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { until } from '../support/until.ts'
import { TELLER } from './teller.ts'

const OWNER = { name: 'Ana Lindqvist', email: 'ana@example.com', password: 'a long enough password' }

const owned = new AsyncDisposableStack()
let registry: NpmRegistry
let provider: FakeAccountProvider
let database: Database
let dataDir = ''
let program: Program
let browser: Browser
let watched: WatchedPage
let page: Page
let id = ''
let token = ''
let port = 0

async function start(): Promise<Program> {
  return startProgram({
    dataDir,
    env: {
      DATABASE_URL: database.url.reveal(),
      npm_config_registry: registry.url,
      npm_config_userconfig: '/nonexistent',
      CATWALK_ACCOUNT_PROVIDER_ORIGINS: provider.origin,
    },
    // The browser finds it again where it was.
    flags: port === 0 ? [] : ['--port', String(port)],
  })
}

beforeAll(async () => {
  await ensureDashboard(fileURLToPath(new URL('../..', import.meta.url)), process.execPath)
  registry = owned.use(await startNpmRegistry([TELLER]))
  provider = owned.use(await startAccountProvider())
  database = owned.use(await openTestDatabase())
  const directory = owned.use(await temporaryDirectory())
  dataDir = directory.path
  program = await start()
  owned.defer(() => program[Symbol.asyncDispose]())
  port = Number(new URL(program.origin).port)
  browser = await launchBrowser()
  owned.defer(() => browser.close())
  watched = owned.use(await openPage(browser, { theme: 'light', width: 390 }))
  page = watched.page
  await page.goto(program.setUpLink ?? '')
  await page.getByLabel('Name').fill(OWNER.name)
  await page.getByLabel('Email').fill(OWNER.email)
  await page.getByLabel('Password', { exact: true }).fill(OWNER.password)
  await button('Make the account').click()
  await page.getByRole('heading', { name: 'Paste a link, get an endpoint' }).waitFor()
})
afterAll(() => owned.disposeAsync())

const button = (name: string | RegExp) => page.getByRole('button', { name, exact: true })
const open = (path: string) => page.goto(program.origin + path)

/** What the server says that it was given, through the endpoint. */
async function told(): Promise<string> {
  const client = new Client({ name: 'test', version: '1' })
  await client.connect(
    new StreamableHTTPClientTransport(new URL(`${program.origin}/mcp/teller`), {
      requestInit: { headers: { authorization: `Bearer ${token}` } },
    }),
  )
  try {
    const { content } = await client.callTool({ name: 'token' })
    return (content as { text: string }[])[0]?.text ?? ''
  } finally {
    await client.close()
  }
}

async function account() {
  const { items } = await (await apiOf(program)).call('listAccounts', { params: { id } })
  return items[0]
}

/** Resolves once a call shows that the server has this token. */
async function reaches(expected: string): Promise<void> {
  await expect.poll(() => told().catch(String), { timeout: 30_000, interval: 200 }).toBe(expected)
}

/** As if its time had come, and as if a program that was killed had been gone for the minute that its claim holds. */
const due = () =>
  sql`update connected_accounts set refresh_at = now(), lease_until = null where deployment_id = ${id}`.execute(
    database.kysely,
  )

const isAsked = (before: number): Promise<true> =>
  until('the service is asked', async () => (provider.requests.length > before ? true : null), 30_000)

/** On the page of the service. */
async function allow(): Promise<void> {
  await page.getByRole('heading', { name: 'Allow Catwalk?' }).waitFor()
  await button('Allow').click()
  await page.getByText('teller works with service now').waitFor()
}

test('a service is added and an account connected in the dashboard, and a call shows that its token reached the server', async () => {
  provider.expiresInSeconds = 30
  await open('/settings')
  await button('Add a service').first().click()
  await page.getByLabel('Service', { exact: true }).selectOption('other')
  await page.getByLabel('Name').fill('service')
  await page.getByLabel('Client ID').fill(provider.clientId)
  await page.getByLabel('Client secret', { exact: true }).fill(provider.clientSecret)
  await page.getByLabel('Authorization endpoint').fill(`${provider.origin}/authorize`)
  await page.getByLabel('Token endpoint').fill(`${provider.origin}/token`)
  await page.getByLabel('Revocation endpoint').fill(`${provider.origin}/revoke`)
  await page.getByLabel('Issuer').fill(provider.origin)
  await page.getByLabel('Scopes').fill('read')
  expect(await overflow(page)).toBe(0)
  expect(await accessibilityProblems(page)).toEqual([])
  await button('Add it').click()
  await page.getByText('service is there').waitFor()

  const created = await (
    await apiOf(program)
  ).call('createDeployment', {
    body: {
      source: 'npm:teller-mcp',
      network: 'none',
      accounts: { API_TOKEN: { provider: 'service', template: 'Bearer {token}' } },
    },
  })
  id = created.deployment.id
  token = created.token.secret
  await open('/deployments/teller')
  await page.getByText('It needs an account at service').waitFor()
  await button('Connect service for API_TOKEN').click()
  await allow()
  expect(new URL(page.url()).pathname).toBe('/accounts/callback')
  await reaches('Bearer access-1')
  const { rows } = await sql<{ token: string }>`select token from connected_accounts`.execute(database.kysely)
  expect(rows.map((row) => row.token.slice(0, 5))).toEqual(['gAAAA'])
  expect(watched.problems).toEqual([])
})

test('it is renewed before it runs out, without anybody doing anything', async () => {
  const [{ expires_at: end }] = (
    await sql<{ expires_at: Date }>`select expires_at from connected_accounts`.execute(database.kysely)
  ).rows as [{ expires_at: Date }]
  await isAsked(1)
  expect(Date.now()).toBeLessThan(end.getTime())
  expect(provider.requests.at(-1)?.grant).toBe('refresh_token')
  provider.expiresInSeconds = 3600
  await due()
  await isAsked(2)
  await reaches('Bearer access-3')
  expect(await account()).toMatchObject({ state: 'connected', problem: null })
})

test('kill -9 while the service thinks about a renewal costs nothing', async () => {
  const before = provider.requests.length
  provider.mood = 'silent'
  await due()
  await isAsked(before)
  await program.kill9()
  provider.mood = 'well'
  await due()
  program = await start()
  await isAsked(before + 1)
  expect(await account()).toMatchObject({ state: 'connected' })
  await reaches('Bearer access-4')
})

test('kill -9 after the service has changed the refresh token costs nothing where it takes the former one once more', async () => {
  const before = provider.requests.length
  provider.isGracious = true
  provider.mood = 'losing-answers'
  await due()
  await isAsked(before)
  await program.kill9()
  provider.mood = 'well'
  await due()
  program = await start()
  await isAsked(before + 1)
  await reaches('Bearer access-6')
  expect(await account()).toMatchObject({ state: 'connected' })
})

test('kill -9 just then at a service without a grace period: the account is asked for again in place, and then it goes on', async () => {
  const before = provider.requests.length
  provider.isGracious = false
  provider.mood = 'losing-answers'
  await due()
  await isAsked(before)
  await program.kill9()
  provider.mood = 'well'
  await due()
  program = await start()
  await until('it is broken', async () => ((await account())?.state === 'broken' ? true : null), 30_000)
  await expect(told()).rejects.toThrow('account_needed')
  await open('/deployments/teller')
  await page.getByText('service must be connected again', { exact: true }).waitFor()
  expect(await overflow(page)).toBe(0)
  expect(await accessibilityProblems(page)).toEqual([])
  await button('Reconnect service for API_TOKEN').click()
  await allow()
  await reaches('Bearer access-8')
  expect(await account()).toMatchObject({ state: 'connected', problem: null })
})

test('disconnecting ends the token at the service, and calls say what is missing', async () => {
  await open('/deployments/teller/access')
  await button('Disconnect API_TOKEN').click()
  await page.getByRole('dialog').getByRole('button', { name: 'Disconnect', exact: true }).click()
  await page.getByText('service is disconnected').waitFor()
  await until('the service hears of it', async () => (provider.revoked.length === 1 ? true : null), 30_000)
  expect(provider.revoked[0]).toMatch(/^refresh-/)
  await until('calls are refused', async () =>
    told().then(
      () => null,
      (error: unknown) => (String(error).includes('account_needed') ? true : null),
    ),
  )
})

test('no token and no secret was printed', () => {
  expect(program.output()).not.toMatch(/access-\d|refresh-[0-9a-f]{8}/)
  expect(program.output()).not.toContain(provider.clientSecret)
})
