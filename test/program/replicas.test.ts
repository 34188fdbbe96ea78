import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { ApiClient } from '../../src/contract/index.ts'
import { readFeed } from '../../src/cli/feed.ts'
import { queries, type Database } from '../../src/db/index.ts'
import { startNpmRegistry, type NpmRegistry } from '../fakes/npm-registry.ts'
import { startBalancer } from '../support/balancer.ts'
import { openTestDatabase } from '../support/database.ts'
import { processesMentioning } from '../support/processes.ts'
import { apiOf, startProgram, type Program } from '../support/program.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { until } from '../support/until.ts'
import { send } from '../bridge/http-client.ts'
import {
  continueSession,
  openSession,
  textOf,
  toolCall,
  type SessionClient,
} from '../bridge/session-client.ts'
import { WATCHER } from './watcher-package.ts'

vi.setConfig({ testTimeout: 60_000 })

let registry: NpmRegistry
let database: Database
const stack = new AsyncDisposableStack()
let first: Program
let second: Program
let api: ApiClient
let token = ''
let id = ''

/** A replica on the shared database. The second one learns the master key, as an operator would give it. */
async function startReplica(dataDir: string, masterKey: string | null): Promise<Program> {
  return startProgram({
    dataDir,
    env: {
      DATABASE_URL: database.url.reveal(),
      npm_config_registry: registry.url,
      npm_config_userconfig: '/nonexistent',
      // Some of it is called as fast as it answers.
      CATWALK_TOKEN_REQUESTS_PER_MINUTE: '0',
      CATWALK_ADDRESS_REQUESTS_PER_MINUTE: '0',
      ...(masterKey === null ? {} : { CATWALK_MASTER_KEY: masterKey }),
    },
  })
}

let folders: readonly string[]
let masterKey = ''
beforeAll(async () => {
  registry = stack.use(await startNpmRegistry([WATCHER]))
  database = stack.use(await openTestDatabase())
  const directories = [stack.use(await temporaryDirectory()), stack.use(await temporaryDirectory())]
  folders = directories.map(({ path }) => path)
  first = await startReplica(folders[0] ?? '', null)
  masterKey = (await readFile(join(folders[0] ?? '', 'master.key'), 'utf8')).trim()
  api = await apiOf(first)
  const created = await api.call('createDeployment', { body: { source: 'npm:watcher-mcp', network: 'none' } })
  token = created.token.secret
  id = created.deployment.id
  await becomes(api, 'running')
  second = await startReplica(folders[1] ?? '', masterKey)
})
afterAll(async () => {
  for (const program of [first, second]) await program[Symbol.asyncDispose]()
  await stack.disposeAsync()
  for (const folder of folders) await rm(folder, { recursive: true, force: true })
})

async function becomes(through: ApiClient, state: string): Promise<string | null> {
  const found = await until(
    `it is ${state}`,
    async () => {
      const deployment = await through.call('getDeployment', { params: { id } })
      return deployment.state === state ? deployment : null
    },
    40_000,
  )
  return found.stateReason
}

interface Session {
  readonly client: Client
  readonly sessionId: string
  text(tool: string): Promise<string>
}

/** The official client, in a new session or in one that was opened before. */
async function connect(program: Program, sessionId?: string): Promise<Session> {
  const client = new Client({ name: 'test', version: '1' })
  const transport = new StreamableHTTPClientTransport(new URL(`${program.origin}/mcp/watcher`), {
    requestInit: { headers: { authorization: `Bearer ${token}` } },
    ...(sessionId === undefined ? {} : { sessionId }),
  })
  await client.connect(transport)
  return {
    client,
    sessionId: transport.sessionId ?? '',
    async text(tool) {
      const { content } = await client.callTool({ name: tool })
      return (content as { text: string }[])[0]?.text ?? ''
    },
  }
}

let opened: Session
let who = ''

test('a session that was opened at one replica goes on at the other, in the same process', async () => {
  opened = await connect(first)
  who = await opened.text('whoami')
  const other = await connect(second, opened.sessionId)
  expect(await other.text('whoami')).toBe(who)
  const fresh = await connect(second)
  expect(await fresh.text('whoami')).toBe(who)
  expect(await processesMentioning(folders[1] ?? '')).not.toContainEqual(expect.stringContaining('watcher'))
})

test('what is asked for through one replica is heard through the other', async () => {
  const other = await connect(second, opened.sessionId)
  await other.client.subscribeResource({ uri: 'watch://one' })
  await other.client.setLoggingLevel('error')
  // Opened at the replica without the instance, so its stream is forwarded.
  const far = await connect(second)
  await (await connect(first, far.sessionId)).client.subscribeResource({ uri: 'watch://one' })
  const heard = [opened, far].map(({ client }) => {
    const { promise, resolve } = Promise.withResolvers<unknown>()
    client.fallbackNotificationHandler = async (message) => resolve(message)
    return promise
  })
  await opened.text('announce')
  const update = { method: 'notifications/resources/updated', params: { uri: 'watch://one' } }
  expect(await Promise.all(heard)).toMatchObject([update, update])
})

async function whoAnswers(transport: StreamableHTTPClientTransport): Promise<unknown> {
  const client = new Client({ name: 'test', version: '1' })
  await client.connect(transport)
  return (await client.callTool({ name: 'w_whoami' })).content
}

test('a collection is called through either, and what is opened at one goes on at the other', async () => {
  const made = await api.call('createCollection', {
    body: { name: 'Both', members: [{ deployment: id, prefix: 'w' }] },
  })
  const at = async (program: Program, sessionId?: string): Promise<StreamableHTTPClientTransport> =>
    new StreamableHTTPClientTransport(new URL(`${program.origin}/mcp/${made.collection.slug}`), {
      requestInit: { headers: { authorization: `Bearer ${made.token.secret}` } },
      ...(sessionId === undefined ? {} : { sessionId }),
    })
  await until('both know of it', async () =>
    (
      await fetch(`${second.origin}/mcp/${made.collection.slug}`, {
        method: 'DELETE',
        headers: { authorization: `Bearer ${made.token.secret}` },
      })
    ).status === 401
      ? null
      : true,
  )
  const there = await at(second)
  expect(await whoAnswers(there)).toEqual([{ type: 'text', text: who }])
  expect(await whoAnswers(await at(first, there.sessionId))).toEqual([{ type: 'text', text: who }])
})

test('a question to a client of a collection is answered through the other replica, and its stream listened to there', async () => {
  const made = await api.call('createCollection', {
    body: { name: 'Asked', members: [{ deployment: id, prefix: 'w' }] },
  })
  const headers = { authorization: `Bearer ${made.token.secret}` }
  const at = (program: Program): string => `${program.origin}/mcp/${made.collection.slug}`
  const able = { headers, version: '2025-11-25', capabilities: { elicitation: {} } }
  const asked = await until('both know of it', async () => openSession(at(second), able).catch(() => null))
  await until('both know of it', async () =>
    (await send(at(first), 'DELETE', headers)).status === 401 ? null : true,
  )
  const call = await asked.stream(toolCall('c', 'w_ask'))
  const question = await call.next()
  expect(question).toMatchObject({ method: 'elicitation/create', params: { message: 'Who?' } })
  const result = { action: 'accept', content: { who: 'Ann' } }
  const elsewhere = continueSession(at(first), asked.id, {}, headers)
  await elsewhere.post({ jsonrpc: '2.0', id: question.id, result })
  expect(textOf(await call.next())).toBe('Ann')
  await call.ended

  const heard = await elsewhere.listen()
  expect(heard.status).toBe(200)
  await api.call('changeCollection', { params: { id: made.collection.id }, body: { listing: 'search' } })
  expect(await heard.next(10_000)).toMatchObject({ method: 'notifications/tools/list_changed' })
  heard.close()
  expect((await elsewhere.end()).status).toBe(200)
  expect((await asked.post(PING)).status).toBe(404)
  const left = await openSession(at(first), able)
  ofCollection = () => continueSession(at(second), left.id, {}, headers)
})

const PING = { jsonrpc: '2.0', id: 1, method: 'ping' }
/** A session of a collection that was opened at the first replica, through the second one. */
let ofCollection: () => SessionClient

test('tools can be called through the API of either, and who called is known to both', async () => {
  const { content } = await (
    await apiOf(second)
  ).call('callTool', { params: { id }, body: { tool: 'whoami' } })
  expect(content).toEqual([{ type: 'text', text: who }])
})

const print = async (through: ApiClient, text: string) =>
  through.call('callTool', { params: { id }, body: { tool: 'print', arguments: { text } } })

test('what the server prints at one replica is told by the live feed of the other within a second, each line once', async () => {
  const [near, far] = [api, await apiOf(second)]
  const leave = new AbortController()
  const told: string[] = []
  const isFollowing = Promise.withResolvers<void>()
  const following = (async () => {
    for await (const item of readFeed(far, id, { signal: leave.signal })) {
      isFollowing.resolve()
      if (item.kind === 'log' && item.log.line.startsWith('line ')) told.push(item.log.line)
    }
  })().catch((error: unknown) => {
    if (!leave.signal.aborted) throw error
  })
  await isFollowing.promise
  const printedAt = performance.now()
  await print(near, 'line 0')
  await until('it is told', () => (told.length > 0 ? true : null))
  expect(performance.now() - printedAt).toBeLessThan(1000)
  const lines = Array.from({ length: 60 }, (_, index) => `line ${index}`)
  for (const [index, line] of lines.entries()) if (index > 0) await print(index % 2 === 0 ? near : far, line)
  await until('all are told', () => (told.length >= lines.length ? true : null))
  leave.abort()
  await following
  expect(told).toEqual(lines)
})

test('while the machine with its data is away a deployment says so, at once, and starts nowhere else', async () => {
  await first.stop()
  const through = await apiOf(second)
  const reason = await becomes(through, 'unhealthy')
  expect(reason).toContain('machine that has its data')
  // Collections need no machine of their own.
  await until('its collection’s session goes on', async () =>
    (await ofCollection().post(PING)).status === 200 ? true : null,
  )
  expect(await processesMentioning(folders[1] ?? '')).not.toContainEqual(expect.stringContaining('watcher'))
})

test('one that keeps no data starts elsewhere, and its session goes on there with all that it had asked for', async () => {
  await database.kysely
    .updateTable('deployments')
    .set({ keeps_data: false, next_at: new Date() })
    .where('id', '=', id)
    .execute()
  await queries.announce(database.kysely, 'deployment', id)
  await becomes(await apiOf(second), 'running')
  const later = await connect(second, opened.sessionId)
  expect(await later.text('whoami')).not.toBe(who)
  // Other sessions on the process may have asked as well.
  expect(new Set((await later.text('asked')).split(' '))).toEqual(new Set(['error', 'watch://one']))
})

test('a session goes on after a restart of everything; an ended one is ended at every replica', async () => {
  await second.stop()
  second = await startReplica(folders[1] ?? '', masterKey)
  first = await startReplica(folders[0] ?? '', null)
  // It starts when it is called.
  await becomes(await apiOf(first), 'sleeping')
  const later = await connect(first, opened.sessionId)
  // Other sessions on the process may have asked as well.
  expect(new Set((await later.text('asked')).split(' '))).toEqual(new Set(['error', 'watch://one']))

  const status = async (program: Program, method: string) =>
    (
      await send(
        `${program.origin}/mcp/watcher`,
        method,
        { authorization: `Bearer ${token}`, 'mcp-session-id': opened.sessionId },
        method === 'POST' ? '{"jsonrpc":"2.0","id":1,"method":"ping"}' : null,
      )
    ).status
  expect(await status(second, 'DELETE')).toBe(200)
  // The other one hears of it a moment later.
  for (const program of [first, second])
    await until('it is ended there', async () => ((await status(program, 'POST')) === 404 ? true : null))
})

/** Calls the tool `print` through a balancer again and again, several at a time, each with a number of its own. */
async function callSteadily(origin: string, name: string) {
  const session = await openSession(`${origin}/mcp/watcher`, {
    headers: { authorization: `Bearer ${token}` },
  })
  const enough = new AbortController()
  let made = 0
  const lost: string[] = []
  const answered = new Set<string>()
  const caller = async () => {
    while (!enough.signal.aborted) {
      const text = `${name} ${made++}`
      const answer = await session.post(toolCall(text, 'print', { text })).catch(String)
      if (typeof answer !== 'string' && answer.messages[0]?.result !== undefined) answered.add(text)
      else lost.push(typeof answer === 'string' ? answer : `${answer.status} ${answer.text}`)
    }
  }
  const calling = Promise.all(Array.from({ length: 4 }, caller))
  return {
    answered,
    lost,
    /** Waits until so many more were answered. */
    more: async (count: number) => {
      const goal = answered.size + count
      await until('more are answered', () => (answered.size >= goal ? true : null), 60_000)
    },
    async end() {
      enough.abort()
      await calling
    },
  }
}

/** How often each call was carried out, as the server itself printed it. */
async function carriedOut(through: ApiClient, name: string): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  let after = '0'
  for (;;) {
    const query = { search: `${name} `, stream: 'stderr', after, limit: 1000 } as const
    const { items } = await through.call('listLogs', { params: { id }, query })
    for (const { line } of items) counts.set(line, (counts.get(line) ?? 0) + 1)
    if (items.length < 1000) return counts
    after = items.at(-1)?.id ?? after
  }
}

/** Which replica has the process, and which has not. */
async function holders(): Promise<{ own: Program; other: Program }> {
  const node = await database.kysely
    .selectFrom('instances')
    .innerJoin('nodes', 'nodes.id', 'instances.node_id')
    .select('nodes.address')
    .where('instances.deployment_id', '=', id)
    .executeTakeFirstOrThrow()
  const isFirst = new URL(node.address ?? '').port === new URL(first.origin).port
  return isFirst ? { own: first, other: second } : { own: second, other: first }
}

async function restart(program: Program): Promise<Program> {
  await program.stop()
  const isFirst = program === first
  const again = await startReplica(program.dataDir, isFirst ? null : masterKey)
  if (isFirst) first = again
  else second = again
  return again
}

/** Restarts one of the replicas while calls go on. Tells which calls were lost, and how often each of the others was done. */
async function restartUnderLoad(subject: string, which: 'own' | 'other') {
  await using balancer = await startBalancer([first.origin, second.origin])
  const load = await callSteadily(balancer.origin, subject)
  await load.more(50)
  const { own, other } = await holders()
  const [leaving, staying] = which === 'own' ? [own, other] : [other, own]
  await leaving.stop()
  await load.more(50)
  const again = await restart(leaving)
  balancer.targets = [staying.origin, again.origin]
  await load.more(100)
  await load.end()
  return { lost: load.lost, counts: await carriedOut(await apiOf(staying), subject) }
}

test('under load a replica that has not the process is restarted without losing or doubling a call', async () => {
  const { lost, counts } = await restartUnderLoad('besides', 'other')
  expect(lost).toEqual([])
  expect(Math.max(...counts.values())).toBe(1)
})

test('under load a restart of the replica with the process costs no call but some on that process, which are told why; the other one goes on with the session', async () => {
  const { lost, counts } = await restartUnderLoad('upon', 'own')
  // None but those that were on their way to the process when it went.
  expect(lost.length).toBeLessThan(20)
  for (const one of lost) expect(one).toMatch(/^503 .*"error":"(node_lost|unavailable|server_exited)"/)
  expect(Math.max(...counts.values())).toBe(1)
})
