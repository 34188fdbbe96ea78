import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import {
  Client as ModernClient,
  StreamableHTTPClientTransport as ModernTransport,
} from '@modelcontextprotocol/client'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
// Built once for all tests that need it.
import { ensureDashboard } from '../../scripts/lib/dashboard.mjs'
import { fixture, startBridge } from '../bridge/bridge-server.ts'
import { launchBrowser } from '../browser/support/browser.ts'
import { accessibilityProblems, openPage, overflow } from '../browser/support/page.ts'
import { openCallback } from './callback.ts'
import { clientProvider } from './client-provider.ts'
import { startDocuments, type Documents } from './documents.ts'
import {
  browse,
  connect,
  decide,
  openHouse,
  register,
  requestIn,
  type House,
  type Person,
  type Place,
} from './house.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const owned = new AsyncDisposableStack()
let documents: Documents
let house: House
let ana: Person
let place: Place
let browser: Browser

beforeAll(async () => {
  await ensureDashboard(ROOT, process.execPath)
  const bridge = owned.use(await startBridge(fixture('sdk-server')))
  documents = owned.use(await startDocuments())
  house = owned.use(await openHouse({ endpoint: bridge.bridge, http: documents.http }))
  ana = await house.person('ana', 'member')
  place = await house.deploy('oauth')
  browser = await launchBrowser()
  owned.defer(() => browser.close())
})
afterAll(() => owned.disposeAsync())

/** A person who has to sign in first, reads the page and allows it by keyboard. */
async function allowInBrowser(url: URL, look: 'dark' | 'light'): Promise<void> {
  await using watched = await openPage(browser, { theme: look, width: look === 'dark' ? 1440 : 390 })
  const { page, problems } = watched
  await page.goto(url.href)
  await page.getByLabel('Email').fill(ana.email)
  await page.getByLabel('Password', { exact: true }).fill(ana.password)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Connect Official client?' }).waitFor()
  expect(await page.getByText(ana.email).isVisible()).toBe(true)
  expect(await page.getByText('It says that it is a program on your machine').isVisible()).toBe(true)
  expect(await overflow(page)).toBe(0)
  expect(await accessibilityProblems(page)).toEqual([])
  await page.getByRole('button', { name: 'Connect', exact: true }).focus()
  await page.keyboard.press('Enter')
  await page.getByText('Back in the client').waitFor()
  expect(problems).toEqual([])
}

const document = () =>
  documents.put('/client.json', {
    client_name: 'Official client',
    redirect_uris: ['http://127.0.0.1/callback'],
    token_endpoint_auth_method: 'none',
  })

describe.each([
  ['registers itself', null],
  ['has a metadata document', document],
] as const)('a client that %s gets from a bare 401 through consent to a tool call', (_, makeDocument) => {
  test('with the official client 1.32', async () => {
    await using callback = await openCallback()
    const auth = clientProvider(callback.url, makeDocument?.() ?? null)
    const first = new StreamableHTTPClientTransport(new URL(place.endpoint), { authProvider: auth })
    await expect(new Client({ name: 'test', version: '1' }).connect(first)).rejects.toThrow('Unauthorized')
    const { sentTo } = auth.kept
    if (sentTo === null) throw new Error('the client sent nobody anywhere')
    const isDocument = makeDocument !== null
    expect(sentTo.searchParams.get('client_id')?.startsWith('https://')).toBe(isDocument)
    expect(sentTo.searchParams.get('resource')).toBe(place.endpoint)
    await allowInBrowser(sentTo, 'dark')
    const answer = await callback.visited
    expect(answer.get('state')).toBe('a-state-of-the-client')
    await first.finishAuth(answer.get('code') ?? '')
    const client = new Client({ name: 'test', version: '1' })
    await client.connect(new StreamableHTTPClientTransport(new URL(place.endpoint), { authProvider: auth }))
    expect(await client.callTool({ name: 'test_simple_text', arguments: {} })).toMatchObject({
      content: [{ type: 'text' }],
    })
    await client.close()
    expect(house.records.at(-1)).toMatchObject({ subject: ana.id })
  })

  test('with the official client 2.4, which checks who answers', async () => {
    await using callback = await openCallback()
    const auth = clientProvider(callback.url, makeDocument?.() ?? null)
    const options = { authProvider: auth }
    const first = new ModernTransport(new URL(place.endpoint), options)
    await expect(new ModernClient({ name: 'test', version: '1' }).connect(first)).rejects.toThrow(
      /unauthorized/i,
    )
    const { sentTo } = auth.kept
    if (sentTo === null) throw new Error('the client sent nobody anywhere')
    expect(sentTo.searchParams.get('scope')).toBe('mcp:read mcp:tools')
    await allowInBrowser(sentTo, 'light')
    await first.finishAuth(await callback.visited)
    const client = new ModernClient({ name: 'test', version: '1' })
    await client.connect(new ModernTransport(new URL(place.endpoint), options))
    expect(await client.callTool({ name: 'test_simple_text', arguments: {} })).toMatchObject({
      content: [{ type: 'text' }],
    })
    await client.close()
  })
})

test('the official client asks for more when a tool needs it (step-up)', async () => {
  await using callback = await openCallback()
  const auth = clientProvider(callback.url, null)
  const { access, clientId } = await connect(house, place, ana, {
    redirectUri: callback.url,
    more: { scope: 'mcp:read' },
  })
  const issuer = place.endpoint
  auth.kept.client = { client_id: clientId, issuer }
  auth.kept.tokens = { access_token: access, token_type: 'Bearer', scope: 'mcp:read', issuer }
  const client = new ModernClient({ name: 'test', version: '1' })
  await client.connect(new ModernTransport(new URL(place.endpoint), { authProvider: auth }))
  expect((await client.listTools()).tools.length).toBeGreaterThan(0)
  await expect(client.callTool({ name: 'test_simple_text', arguments: {} })).rejects.toThrow(
    /unauthorized|scope/i,
  )
  expect(auth.kept.sentTo?.searchParams.get('scope')).toBe('mcp:read mcp:tools')
  await client.close()
})

test('the conformance suite finds nothing to complain of in the authorization server', async () => {
  const port = Number(new URL((await openAndClose()).url).port)
  const redirectUri = `http://127.0.0.1:${port}/callback`
  const { body } = await register(place, { redirect_uris: [redirectUri] })
  const clientId = String(body['client_id'])
  const suite = fileURLToPath(
    new URL('../../node_modules/@modelcontextprotocol/conformance/dist/index.js', import.meta.url),
  )
  const child = spawn(
    process.execPath,
    [suite, 'authorization', '--url', place.endpoint, '--client-id', clientId, '--port', String(port)],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let output = ''
  let isVisited = false
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
      const url = /^(http\S+\/authorize\?\S+)$/m.exec(output)?.[1]
      if (url === undefined || isVisited) return
      isVisited = true
      void visit(url)
    })
  }
  const [code] = (await once(child, 'exit')) as [number | null]
  expect({ code, output }).toMatchObject({ code: 0 })
  expect(output).toContain('Total: 3 passed, 0 failed')
})

/** A port that is free right now. */
async function openAndClose() {
  const callback = await openCallback()
  await callback[Symbol.asyncDispose]()
  return callback
}

/** What a person does with an address that a terminal shows. */
async function visit(url: string): Promise<void> {
  const answer = await decide(house, ana, requestIn(await browse(url, ana)))
  await fetch(String(answer.body['redirect']))
}
