import { randomBytes, randomUUID } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { createApiClient, routes, type Route } from '../../src/contract/index.ts'
import { openDatabase } from '../../src/db/index.ts'
import type { Secret } from '../../src/domain/index.ts'
import { cookieHeader, tokenOf } from '../auth/support.ts'
import { startNpmRegistry, type FakePackage } from '../fakes/npm-registry.ts'
import { testServerUrl } from '../support/database.ts'
import { TEMPLATE, urlOfDatabase } from '../support/database-server.ts'
import { silentLogger } from '../support/logger.ts'
import { connectClient } from '../support/mcp-client.ts'
import { startProgram } from '../support/program.ts'
import { until } from '../support/until.ts'

/** A server that prints what it should keep to itself, in every form in which programs do, and then works. */
const TALKATIVE = `#!/usr/bin/env node
const { createInterface } = require('node:readline')
const secret = process.env.MARKED_KEY ?? 'none'
for (const text of [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64'),
  'Authorization: Bearer ' + secret, JSON.stringify({ secret }),
  'Authorization: Basic ' + Buffer.from('user:' + secret).toString('base64'),
  // Longer than a line that is kept, and cut in the middle of it.
  'x'.repeat(16384 - 24) + secret, require('node:fs').readFileSync(process.env.MARKED_FILE, 'utf8'),
]) console.error(text)
// A line of stdout that is no message, cut likewise.
console.log('y'.repeat(8192 - 24) + secret)
const answer = {
  initialize: ({ protocolVersion }) => ({
    protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'talkative', version: '1.0.0' },
  }),
  'tools/list': () => ({ tools: [{ name: 'say', inputSchema: { type: 'object' } }] }),
  'tools/call': () => ({ content: [{ type: 'text', text: 'said' }] }),
}
createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line)
  if (id === undefined) return
  const message = answer[method] ? { result: answer[method](params ?? {}) } : { error: { code: -32601, message: 'x' } }
  process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, ...message }) + '\\n')
})
`

/** One that fails at once with its secret as the last words. */
const FAILING = `#!/usr/bin/env node
console.error('cannot sign in with ' + process.env.MARKED_KEY)
process.exit(3)
`

function packageOf(name: string, source: string): FakePackage {
  return { name, version: '1.0.0', manifest: { bin: 'server.cjs' }, files: { 'server.cjs': source } }
}

function open(url: Secret) {
  return openDatabase(
    { url, dataDir: null, logger: silentLogger, poolSize: 2, migrate: false },
    new AbortController().signal,
  )
}

const mark = (what: string) => `mark/${what}+${randomBytes(12).toString('hex')}`

test(
  'after a full run, no secret stands in database, log, answers, process list or files',
  { timeout: 120_000 },
  async () => {
    await using cleanup = new AsyncDisposableStack()
    const server = await testServerUrl()
    const admin = cleanup.use(await open(server))
    const name = `marks_${randomUUID().replaceAll('-', '')}`
    await sql`create database ${sql.id(name)} template ${sql.id(TEMPLATE)}`.execute(admin.kysely)
    cleanup.defer(async () => {
      await sql`drop database if exists ${sql.id(name)} with (force)`.execute(admin.kysely)
    })
    const url = urlOfDatabase(server, name)
    const database = cleanup.use(await open(url))
    const registry = cleanup.use(
      await startNpmRegistry([packageOf('talkative-mcp', TALKATIVE), packageOf('failing-mcp', FAILING)]),
    )
    await using program = await startProgram({
      env: {
        DATABASE_URL: url.reveal(),
        CATWALK_LOG_LEVEL: 'debug',
        npm_config_registry: registry.url,
        npm_config_userconfig: '/nonexistent',
      },
    })
    const { dataDir, origin } = program

    // The run: an owner, a guest, keys, tokens, a server that works and one that fails.
    const marks: Record<string, string> = {
      credential: mark('credential'),
      failing: mark('failing'),
      inDocument: mark('inDocument'),
      inLines: `${mark('inLines')}\n${mark('inLines')}`,
      argument: mark('argument'),
      password: mark('password'),
      guessed: mark('guessed'),
      setUp: tokenOf(new URL(program.setUpLink ?? '')),
      masterKey: (await readFile(join(dataDir, 'master.key'), 'utf8')).trim(),
      localKey: (await readFile(join(dataDir, 'cli.key'), 'utf8')).trim(),
    }
    const api = createApiClient({ origin, apiKey: marks['localKey'] ?? '' })
    const post = (path: string, body: object, cookie = '') =>
      fetch(`${origin}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', origin, ...(cookie === '' ? {} : { cookie }) },
        body: JSON.stringify(body),
      })
    const person = { name: 'Ada', email: 'ada@example.com', password: marks['password'] }
    const made = await post('/api/v1/setup', { token: marks['setUp'], ...person })
    expect(made.status).toBe(201)
    marks['session'] = decodeURIComponent(cookieHeader(made.headers.getSetCookie()).split('=')[1] ?? '')
    await post('/api/auth/sign-in/email', { email: person.email, password: marks['guessed'] })
    const invitation = await api.call('createInvitation', { body: {} })
    marks['invitation'] = tokenOf(new URL(invitation.url))
    marks['reset'] = tokenOf(
      new URL((await api.call('createPasswordReset', { body: { email: person.email } })).url),
    )
    marks['apiKey'] = (await api.call('createApiKey', { body: { name: 'script' } })).key
    const { deployment, token } = await api.call('createDeployment', {
      body: {
        source: 'npm:talkative-mcp',
        confirmWarnings: true,
        variables: { MARKED_KEY: marks['credential'] ?? '' },
        files: { MARKED_FILE: JSON.stringify({ keys: [marks['inDocument'], marks['inLines']] }, null, 2) },
      },
    })
    marks['endpointToken'] = token.secret
    // A snippet holds a value that is for the deployment alone.
    marks['snippet'] = mark('snippet')
    const snippet = {
      mcpServers: {
        talkative: { command: 'npx', args: ['talkative-mcp'], env: { MARKED_KEY: marks['snippet'] } },
      },
    }
    const analysed = await api.call('createAnalysis', { body: { source: JSON.stringify(snippet) } })
    const failing = await api.call('createDeployment', {
      body: {
        source: 'npm:failing-mcp',
        confirmWarnings: true,
        variables: { MARKED_KEY: marks['failing'] ?? '' },
      },
    })
    marks['rotated'] = (
      await api.call('rotateToken', { params: { id: deployment.id, tokenId: token.id }, body: {} })
    ).secret
    const state = async (id: string, wanted: string) =>
      (await api.call('getDeployment', { params: { id } })).state === wanted ? true : null
    await until('one runs', () => state(deployment.id, 'running'), 60_000)
    await until('one failed', () => state(failing.deployment.id, 'failed'), 60_000)
    const client = await connectClient(deployment.endpoint, token.secret)
    await client.callTool({ name: 'say', arguments: { text: marks['argument'] } })
    await client.close()
    await api.call('addKey', {})
    await api.call('rotateKeys', {})
    await until('the log has what it printed', async () => {
      const { items } = await api.call('listLogs', { params: { id: deployment.id }, query: {} })
      const text = items.map(({ line }) => line).join('\n')
      return text.includes('[redacted MARKED_KEY]') && text.includes('yyy') ? true : null
    })

    // Where they could be.
    const places: Record<string, string> = { log: program.output() }
    const tables = await sql<{ name: string }>`
    select table_name as name from information_schema.tables where table_schema = 'public'`.execute(
      database.kysely,
    )
    for (const { name: table } of tables.rows) {
      const { rows } = await sql<{ row: string }>`select t::text as row from ${sql.table(table)} t`.execute(
        database.kysely,
      )
      places[`table ${table}`] = rows.map(({ row }) => row).join('\n')
    }
    const headers = { authorization: `Bearer ${marks['localKey'] ?? ''}` }
    const ids: Readonly<Record<string, string>> = { id: deployment.id, number: '1' }
    for (const [route, { method, path, stream }] of Object.entries<Route>(routes)) {
      if (method !== 'get' || stream === true) continue
      for (const id of [deployment.id, failing.deployment.id]) {
        const address = path.replaceAll(/\{(\w+)\}/g, (_, key: string) =>
          key === 'id' ? id : (ids[key] ?? 'x'),
        )
        const response = await fetch(`${origin}/api/v1${address}`, { headers })
        places[`answer of ${route} about ${id}`] = await response.text()
      }
    }
    // What the live streams of the dashboard send from the beginning on.
    for (const id of [deployment.id, failing.deployment.id]) {
      const { items } = await api.call('listLogs', { params: { id }, query: {} })
      const feed = `${origin}/api/v1/deployments/${id}/feed`
      places[`stream of ${id}`] = await readStream(feed, headers, items.length)
    }
    const analysisFeed = `${origin}/api/v1/analyses/${analysed.id}/feed`
    places['stream of the analysis'] = await readStream(analysisFeed, headers, 0)
    places['metrics'] = await (await fetch(`${origin}/metrics`, { headers })).text()
    for (const pid of (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry))) {
      places[`command line of ${pid}`] = await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '')
      const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '')
      // The server's own, which it gets them by.
      if (!environment.includes('MARKED_KEY=')) places[`environment of ${pid}`] = environment
    }
    // The keys themselves, readable by their owner alone.
    await readAll(dataDir, places, [join(dataDir, 'master.key'), join(dataDir, 'cli.key')])

    // The database as it lies on the disk, with its log of changes.
    const { rows: directories } = await sql<{ data_directory: string }>`show data_directory`.execute(
      database.kysely,
    )
    await sql`checkpoint`.execute(database.kysely)
    await readAll(directories[0]?.data_directory ?? '', places)

    const found = Object.entries(marks).flatMap(([what, value]) =>
      Object.entries(places)
        // The program prints the set-up link on purpose, for whoever started it.
        .filter(([place]) => !(what === 'setUp' && place === 'log'))
        .filter(([, text]) => formsOf(value).some((form) => text.includes(form)))
        .map(([place]) => `${what} in ${place}`),
    )
    expect(found).toEqual([])
    // That the search finds what is there.
    expect(places['table users']).toContain('ada@example.com')
    expect(places[`stream of ${deployment.id}`]).toContain('[redacted MARKED_KEY]')
    expect(places[`stream of ${failing.deployment.id}`]).toContain('[redacted MARKED_KEY]')
    expect(places['stream of the analysis']).toContain('event: analysis')
    expect(Object.keys(places).length).toBeGreaterThan(50)
  },
)

/** Every file below a directory; one that vanishes meanwhile is none. */
async function readAll(
  directory: string,
  places: Record<string, string>,
  without: readonly string[] = [],
): Promise<void> {
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (!entry.isFile() || without.includes(path)) continue
    places[`file ${path}`] = await readFile(path, 'latin1').catch(() => '')
  }
}

/** As it is, each of its lines, the greater part of it, URL-encoded, and in base64 wherever it stands in what is encoded. */
function formsOf(value: string): readonly string[] {
  expect(value.length).toBeGreaterThan(10)
  const base64 = ['', 'x', 'xx'].map((before) => {
    const letters = Buffer.from(before + value)
      .toString('base64')
      .replaceAll('=', '')
    return letters.slice(4, letters.length - (letters.length % 4))
  })
  const lines = value.split('\n')
  const parts = lines.filter((line) => line.startsWith('mark/')).map((line) => line.slice(0, 24))
  return [value, ...lines, ...parts, encodeURIComponent(value), ...base64]
}

/** What an event stream has sent once it is over or has told this many lines of the log. */
async function readStream(url: string, headers: Record<string, string>, lines: number): Promise<string> {
  const leave = new AbortController()
  const response = await fetch(url, { headers, signal: leave.signal })
  let text = ''
  for await (const part of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += part
    if (lines > 0 && text.split('event: log').length > lines) break
  }
  leave.abort()
  return text
}
