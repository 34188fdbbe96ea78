import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  Client as ModernClient,
  StreamableHTTPClientTransport as ModernTransport,
} from '@modelcontextprotocol/client'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { people } from '../../src/auth/index.ts'
import type { ApiClient } from '../../src/contract/index.ts'
import type { Database } from '../../src/db/index.ts'
// Built once for all tests that need it.
import { ensureDashboard } from '../../scripts/lib/dashboard.mjs'
import { launchBrowser } from '../browser/support/browser.ts'
import { accessibilityProblems, openPage, overflow, type WatchedPage } from '../browser/support/page.ts'
import { startNpmRegistry, type NpmRegistry } from '../fakes/npm-registry.ts'
import { openCallback } from '../oauth/callback.ts'
import { clientProvider } from '../oauth/client-provider.ts'
import { runCatwalk } from '../program/run-catwalk.ts'
import { openTestDatabase } from '../support/database.ts'
import { apiOf, startProgram, type Program } from '../support/program.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { until } from '../support/until.ts'
import { TELLER } from './teller.ts'

const PASSWORD = 'a long enough password'

interface Person {
  readonly id: string
  readonly email: string
  /** Where they are signed in. */
  readonly watched: WatchedPage
}

const owned = new AsyncDisposableStack()
let registry: NpmRegistry
let database: Database
let folders: readonly string[]
let first: Program
let second: Program
let api: ApiClient
let browser: Browser
let workspaceId = ''
let id = ''
let endpoint = ''

async function startReplica(index: 0 | 1, masterKey: string | null): Promise<Program> {
  return startProgram({
    dataDir: folders[index] ?? '',
    env: {
      DATABASE_URL: database.url.reveal(),
      npm_config_registry: registry.url,
      npm_config_userconfig: '/nonexistent',
      ...(masterKey === null ? {} : { CATWALK_MASTER_KEY: masterKey }),
    },
  })
}

beforeAll(async () => {
  await ensureDashboard(fileURLToPath(new URL('../..', import.meta.url)), process.execPath)
  registry = owned.use(await startNpmRegistry([TELLER]))
  database = owned.use(await openTestDatabase())
  const directories = [owned.use(await temporaryDirectory()), owned.use(await temporaryDirectory())]
  folders = directories.map(({ path }) => path)
  first = await startReplica(0, null)
  second = await startReplica(1, (await readFile(join(folders[0] ?? '', 'master.key'), 'utf8')).trim())
  api = await apiOf(first)
  browser = await launchBrowser()
  owned.defer(() => browser.close())
  const created = await api.call('createDeployment', {
    body: { source: 'npm:teller-mcp', network: 'none', personal: ['API_TOKEN'] },
  })
  id = created.deployment.id
  endpoint = `${first.origin}/mcp/teller`
  await until(
    'it runs',
    async () => ((await api.call('getDeployment', { params: { id } })).state === 'running' ? true : null),
    60_000,
  )
  await api.call('changeSettings', { params: { id }, body: { access: 'oauth' } })
  const { kysely } = database
  ;({ workspace_id: workspaceId } = await kysely
    .selectFrom('deployments')
    .select('workspace_id')
    .where('id', '=', id)
    .executeTakeFirstOrThrow())
})
afterAll(async () => {
  for (const program of [first, second]) await program[Symbol.asyncDispose]()
  await owned.disposeAsync()
  for (const folder of folders) await rm(folder, { recursive: true, force: true })
})

/** A member with a browser of their own, who has not signed in yet. */
async function member(name: string): Promise<Person> {
  const email = `${name}@example.com`
  await people.signUp(database.kysely, { name, email, password: PASSWORD }, null)
  const { id: userId } = await database.kysely
    .selectFrom('users')
    .select('id')
    .where('email', '=', email)
    .executeTakeFirstOrThrow()
  await database.kysely
    .insertInto('members')
    .values({ workspace_id: workspaceId, user_id: userId, role: 'member' })
    .execute()
  return { id: userId, email, watched: owned.use(await openPage(browser, { theme: 'light', width: 390 })) }
}

async function signIn({ email, watched: { page } }: Person): Promise<void> {
  await page.getByLabel('Email').fill(email)
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
  await page.keyboard.press('Enter')
}

interface SignedIn {
  /** Of a tool call, in words. */
  call(): Promise<string>
  readonly accessToken: string
}

/** The official client from a bare 401 to a session; `decide` is what the person does on the page of consent. */
async function connectModern(sentTo: (url: URL) => Promise<void>): Promise<SignedIn> {
  await using callback = await openCallback()
  const auth = clientProvider(callback.url, null)
  const transport = () => new ModernTransport(new URL(endpoint), { authProvider: auth })
  const begun = transport()
  await expect(new ModernClient({ name: 'test', version: '1' }).connect(begun)).rejects.toThrow(
    /unauthorized/i,
  )
  if (auth.kept.sentTo === null) throw new Error('the client sent nobody anywhere')
  await sentTo(auth.kept.sentTo)
  await begun.finishAuth(await callback.visited)
  const client = new ModernClient({ name: 'test', version: '1' })
  await client.connect(transport())
  owned.defer(() => client.close())
  return {
    accessToken: auth.kept.tokens?.access_token ?? '',
    async call() {
      const { content } = await client.callTool({ name: 'token', arguments: {} })
      return (content as { text: string }[])[0]?.text ?? ''
    },
  }
}

async function connectLegacy(sentTo: (url: URL) => Promise<void>): Promise<SignedIn> {
  await using callback = await openCallback()
  const auth = clientProvider(callback.url, null)
  const transport = () => new StreamableHTTPClientTransport(new URL(endpoint), { authProvider: auth })
  const begun = transport()
  await expect(new Client({ name: 'test', version: '1' }).connect(begun)).rejects.toThrow('Unauthorized')
  if (auth.kept.sentTo === null) throw new Error('the client sent nobody anywhere')
  await sentTo(auth.kept.sentTo)
  await begun.finishAuth((await callback.visited).get('code') ?? '')
  const client = new Client({ name: 'test', version: '1' })
  await client.connect(transport())
  owned.defer(() => client.close())
  return {
    accessToken: auth.kept.tokens?.access_token ?? '',
    async call() {
      const { content } = await client.callTool({ name: 'token' })
      return (content as { text: string }[])[0]?.text ?? ''
    },
  }
}

/** What a replica says to a call with this token. */
async function statusAt(program: Program, accessToken: string): Promise<number> {
  const response = await fetch(`${program.origin}/mcp/teller`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      authorization: `Bearer ${accessToken}`,
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
    }),
  })
  await response.text()
  return response.status
}

/** What the replicas say before `end` happens at the first, and what within a second of it. */
async function endsEverywhere(accessToken: string, end: () => Promise<unknown>): Promise<number[]> {
  const before = [await statusAt(first, accessToken), await statusAt(second, accessToken)]
  await end()
  const after: number[] = []
  for (const program of [second, first]) {
    const refused = async () => ((await statusAt(program, accessToken)) === 401 ? 401 : null)
    // A busy machine may take longer to answer than the notice takes to arrive.
    after.push(await until('it is refused', refused, 3000))
  }
  return [...before, ...after]
}

const ENDED = [200, 200, 401, 401]

let ana: Person
let ofAna: SignedIn

test('who has not brought what the server needs is asked for it on the page of consent, and the first call has it', async () => {
  ana = await member('ana')
  const { page, problems } = ana.watched
  ofAna = await connectModern(async (url) => {
    await page.goto(url.href)
    await signIn(ana)
    await page.getByRole('heading', { name: 'It works with your own credentials' }).waitFor()
    expect(await overflow(page)).toBe(0)
    expect(await accessibilityProblems(page)).toEqual([])
    await page.getByLabel('API_TOKEN').first().fill('value-of-ana')
    await page.getByRole('button', { name: 'Connect', exact: true }).click()
    await page.getByText('Back in the client').waitFor()
  })
  expect(await ofAna.call()).toBe('value-of-ana')
  expect(problems).toEqual([])
})

test('they are asked once: the next client connects without that question', async () => {
  const { page } = ana.watched
  const next = await connectLegacy(async (url) => {
    await page.goto(url.href)
    await page.getByRole('heading', { name: 'Connect Official client?' }).waitFor()
    await page.getByText(ana.email).waitFor()
    await page.getByText('with your own credentials').waitFor()
    expect(await page.getByRole('heading', { name: 'It works with your own credentials' }).count()).toBe(0)
    await page.getByRole('button', { name: 'Connect', exact: true }).click()
    await page.getByText('Back in the client').waitFor()
  })
  expect(await next.call()).toBe('value-of-ana')
})

test('who goes on without is told by the call where to bring it, and need not connect again after', async () => {
  const ben = await member('ben')
  const { page } = ben.watched
  const ofBen = await connectLegacy(async (url) => {
    await page.goto(url.href)
    await signIn(ben)
    await page.getByRole('button', { name: 'Connect', exact: true }).click()
    await page.getByText('Back in the client').waitFor()
  })
  const error = await ofBen.call().catch(String)
  const where = /https?:\/\/\S+your-credentials\S+/.exec(error)?.[0] ?? ''
  await page.goto(where)
  await page.getByLabel('API_TOKEN').first().fill('value-of-ben')
  await page.getByRole('button', { name: 'Save', exact: true }).click()
  await page.getByText('The server works for you').waitFor()
  await until('his value counts', async () =>
    (await ofBen.call().catch(() => '')) === 'value-of-ben' ? true : null,
  )
  expect(await ofAna.call()).toBe('value-of-ana')
})

test('the command line warns that a token here calls with its maker’s own credentials', async () => {
  const { exitCode, stderr } = await runCatwalk(first, ['token', 'add', 'teller', '--name', 'laptop'])
  expect([exitCode, stderr]).toEqual([0, expect.stringContaining('calls with your own credentials')])
})

test('a connection that is taken back at one replica is refused at every one within a second', async () => {
  const { page } = ana.watched
  const said = await endsEverywhere(ofAna.accessToken, async () => {
    const { items } = await api.call('listConnections', { params: { id } })
    const hers = items.filter(({ user }) => user.email === ana.email)
    await Promise.all(
      hers.map(async (connection) =>
        api.call('revokeConnection', { params: { id, connectionId: connection.id } }),
      ),
    )
  })
  expect(said).toEqual(ENDED)
  await page.goto(`${first.origin}/account`)
  await page.getByText('No client is connected').waitFor()
})

async function connected(name: string): Promise<{ person: Person; accessToken: string }> {
  const person = await member(name)
  const { page } = person.watched
  const { accessToken } = await connectModern(async (url) => {
    await page.goto(url.href)
    await signIn(person)
    await page.getByRole('button', { name: 'Connect', exact: true }).click()
    await page.getByText('Back in the client').waitFor()
  })
  return { person, accessToken }
}

test('a member who is removed is refused at every replica within a second', async () => {
  const { person, accessToken } = await connected('cleo')
  const remove = () => api.call('removeMember', { params: { userId: person.id } })
  expect(await endsEverywhere(accessToken, remove)).toEqual(ENDED)
})

test('somebody whose account is deleted is refused at every replica within a second', async () => {
  const { person, accessToken } = await connected('dan')
  const remove = () => database.kysely.deleteFrom('users').where('id', '=', person.id).execute()
  expect(await endsEverywhere(accessToken, remove)).toEqual(ENDED)
})
