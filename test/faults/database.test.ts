import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { queries, type Database } from '../../src/db/index.ts'
import { startNpmRegistry, type NpmRegistry } from '../fakes/npm-registry.ts'
import { startDatabaseWay } from '../support/database-way.ts'
import { openTestDatabase } from '../support/database.ts'
import { connectClient } from '../support/mcp-client.ts'
import { processesMentioning } from '../support/processes.ts'
import { apiOf, startProgram, type Program } from '../support/program.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { until } from '../support/until.ts'
import { serverPackage, toolsNamed } from '../support/server-package.ts'
import { SELF } from './self-package.ts'

/** The shortest time that can be set. */
const STALE_S = 15

let registry: NpmRegistry
beforeAll(async () => {
  registry = await startNpmRegistry([SELF, TELLING])
})
afterAll(() => registry[Symbol.asyncDispose]())

/** A database of its own with a way that can be cut. */
async function openCuttable() {
  await using stack = new AsyncDisposableStack()
  const database: Database = stack.use(await openTestDatabase())
  const { way, url } = stack.use(await startDatabaseWay(database))
  const owned = stack.move()
  return { database, way, url, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

const CUT_MS = 30_000
/** Says on stderr which call it was. */
const TELLING = serverPackage('telling-mcp', {
  begin: 'const self = String(Math.random())',
  answers: `
  'tools/list': ${toolsNamed('whoami')},
  'tools/call': ({ arguments: given }) => {
    process.stderr.write('called ' + given?.count + '\\n')
    return { content: [{ type: 'text', text: self }] }
  },
`,
})

const start = (dataDir: string, env: Readonly<Record<string, string>>): Promise<Program> =>
  startProgram({
    dataDir,
    env: {
      CATWALK_STALE_AFTER_S: String(STALE_S),
      npm_config_registry: registry.url,
      npm_config_userconfig: '/nonexistent',
      ...env,
    },
  })

async function deploy(program: Program, name: string, source = 'npm:self-mcp') {
  const api = await apiOf(program)
  const { deployment, token } = await api.call('createDeployment', {
    body: { source, network: 'none', name, confirmWarnings: true },
  })
  const { id, slug } = deployment
  await until('it answers', async () => who(program, { slug, token: token.secret }).catch(() => null), 60_000)
  return { id, slug, token: token.secret }
}

/** Which process answers a new session. */
async function who(
  { origin }: Program,
  { slug, token }: { readonly slug: string; readonly token: string },
): Promise<string> {
  await using client = await connectClient(`${origin}/mcp/${slug}`, token)
  return textOf(await client.callTool({ name: 'whoami' }))
}

/** Our own server answers with one text. */
const textOf = (result: { readonly content?: unknown } | object): string =>
  (result as { content: { text: string }[] }).content[0]?.text ?? ''

async function serversOf(dataDir: string, id: string): Promise<readonly string[]> {
  return (await processesMentioning(`${dataDir}/deployments/${id}`)).filter((line) => line.includes('bwrap'))
}

test('while the database is away endpoints answer from memory, with the same process; writes are refused, and are done once it is back', async () => {
  await using cuttable = await openCuttable()
  const { way, database } = cuttable
  await using directory = await temporaryDirectory()
  await using program = await start(directory.path, { DATABASE_URL: cuttable.url })
  const deployed = await deploy(program, 'steady')
  await using client = await connectClient(`${program.origin}/mcp/${deployed.slug}`, deployed.token)
  const self = textOf(await client.callTool({ name: 'whoami' }))
  const api = await apiOf(program)

  way.block()
  // The body is read by nobody: it is the status that a client goes by.
  const refused = await api
    .call('createToken', { params: { id: deployed.id }, body: { name: 'lost' } })
    .catch((error: unknown) => error)
  expect(refused).toMatchObject({ status: 503 })
  for (let calls = 0; calls < 20; calls++) {
    expect(textOf(await client.callTool({ name: 'whoami' }))).toBe(self)
  }
  // A new session needs no database either.
  expect(await who(program, deployed)).toBe(self)
  way.mend()

  const made = await until('writes are taken again', async () =>
    api.call('createToken', { params: { id: deployed.id }, body: { name: 'kept' } }).catch(() => null),
  )
  // The gateway has followed again.
  await until('the new token opens', async () =>
    who(program, { ...deployed, token: made.secret }).then(
      (found) => (found === self ? true : null),
      () => null,
    ),
  )
  const { items } = await api.call('listTokens', { params: { id: deployed.id } })
  expect(items.map(({ name }) => name)).not.toContain('lost')
  // What was called meanwhile is in the record: it waited in memory.
  await until('the calls are recorded', async () => {
    const { count } = await database.kysely
      .selectFrom('calls')
      .select(({ fn }) => fn.countAll<string>().as('count'))
      .where('deployment_id', '=', deployed.id)
      .where('method', '=', 'tools/call')
      .executeTakeFirstOrThrow()
    return Number(count) >= 23 ? true : null
  })
  await api.call('deleteDeployment', { params: { id: deployed.id } })
})

test('when the database is away for longer than may be, endpoints say so and the server ends; then the same session goes on', async () => {
  await using cuttable = await openCuttable()
  const { way } = cuttable
  await using directory = await temporaryDirectory()
  await using program = await start(directory.path, { DATABASE_URL: cuttable.url })
  const deployed = await deploy(program, 'cut off')
  await using client = await connectClient(`${program.origin}/mcp/${deployed.slug}`, deployed.token)
  const self = textOf(await client.callTool({ name: 'whoami' }))
  const processes = (await serversOf(directory.path, deployed.id)).length
  expect(processes).toBeGreaterThan(0)

  way.block()
  const refusal = await until(
    'calls are refused',
    async () => {
      const response = await fetch(`${program.origin}/mcp/${deployed.slug}`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${deployed.token}`,
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
        },
        body: '{"jsonrpc":"2.0","id":1,"method":"ping"}',
      })
      await response.body?.cancel()
      return response.status === 503 ? response : null
    },
    (STALE_S + 30) * 1000,
  )
  expect(Number(refusal.headers.get('retry-after'))).toBeGreaterThan(0)
  await until(
    'its server has ended',
    async () => ((await serversOf(directory.path, deployed.id)).length === 0 ? true : null),
    60_000,
  )
  way.mend()

  const after = await until(
    'the session goes on',
    async () => client.callTool({ name: 'whoami' }, undefined, { timeout: 5000 }).then(textOf, () => null),
    60_000,
  )
  expect(after).not.toBe(self)
  expect(await who(program, deployed)).toBe(after)
  expect(await serversOf(directory.path, deployed.id)).toHaveLength(processes)
  await (await apiOf(program)).call('deleteDeployment', { params: { id: deployed.id } })
  await program.stop()
  expect(await processesMentioning(directory.path)).toEqual([])
})

test('when the way to the database is cut for 30 s no call, no line of a log and nothing that was asked for is lost or done twice', async () => {
  await using cuttable = await openCuttable()
  const { way, database } = cuttable
  await using directory = await temporaryDirectory()
  await using program = await start(directory.path, {
    DATABASE_URL: cuttable.url,
    CATWALK_STALE_AFTER_S: '120',
    CATWALK_TOKEN_REQUESTS_PER_MINUTE: '0',
    CATWALK_ADDRESS_REQUESTS_PER_MINUTE: '0',
  })
  const api = await apiOf(program)
  const called = await deploy(program, 'called', 'npm:telling-mcp')
  const changed = await deploy(program, 'changed')
  await using client = await connectClient(`${program.origin}/mcp/${called.slug}`, called.token)
  const call = async (count: number): Promise<string> =>
    textOf(await client.callTool({ name: 'whoami', arguments: { count } }))
  const self = await call(0)
  const processes = (await serversOf(directory.path, called.id)).length
  expect(processes).toBeGreaterThan(0)

  await api.call('createRelease', { params: { id: changed.id }, body: { memoryMiB: 320 } })
  const { deployment: asked, token } = await api.call('createDeployment', {
    body: { source: 'npm:self-mcp', network: 'none', name: 'asked', confirmWarnings: true },
  })
  way.block()
  const mendAt = performance.now() + CUT_MS
  let calls = 1
  for (; performance.now() < mendAt; calls++) {
    expect(await call(calls)).toBe(self)
    // As fast as people and their programs call, not as fast as it goes.
    await delay(20)
  }
  way.mend()

  const statesOf = async (id: string) =>
    (await api.call('listReleases', { params: { id } })).items.map(
      ({ number, state }) => `${number} ${state}`,
    )
  await until(
    'both are live',
    async () => {
      const all = await Promise.all([changed.id, asked.id].map(statesOf)).catch(() => [])
      return all[0]?.includes('2 live') && all[1]?.includes('1 live') ? true : null
    },
    60_000,
  )
  expect(await statesOf(changed.id)).toHaveLength(2)
  expect(await statesOf(asked.id)).toEqual(['1 live'])
  const newcomer = { slug: asked.slug, token: token.secret }
  await until('it answers', async () => who(program, newcomer).catch(() => null), 60_000)
  expect(await call(calls)).toBe(self)

  const wanted = Array.from({ length: calls + 1 }, (_, count) => `called ${count}`)
  const { kysely } = database
  const lines = await until('what it printed is kept', async () => {
    const rows = await kysely
      .selectFrom('log_lines')
      .select('line')
      .where('deployment_id', '=', called.id)
      .where('line', '~', '^called [0-9]')
      .orderBy('id')
      .execute()
    return rows.length >= wanted.length ? rows.map(({ line }) => line) : null
  })
  expect(lines).toEqual(wanted)
  // The one more is the session that found it answering.
  const recorded = await until('all calls are recorded', async () => {
    const rows = await kysely
      .selectFrom('calls')
      .select(['request_id', 'outcome'])
      .where('deployment_id', '=', called.id)
      .where('method', '=', 'tools/call')
      .execute()
    return rows.length > wanted.length ? rows : null
  })
  expect(recorded).toHaveLength(wanted.length + 1)
  expect(new Set(recorded.map(({ request_id: id }) => id)).size).toBe(recorded.length)
  expect(new Set(recorded.map(({ outcome }) => outcome))).toEqual(new Set(['ok']))

  const ids = [called.id, changed.id, asked.id]
  const servers = await Promise.all(ids.map(async (id) => (await serversOf(directory.path, id)).length))
  // As many processes as a single server has.
  expect(new Set(servers)).toEqual(new Set([processes]))
  for (const id of ids) await api.call('deleteDeployment', { params: { id } })
  await program.stop()
  expect(await processesMentioning(directory.path)).toEqual([])
})

test('a replica that stood still while another took over ends its server when it goes on, and forwards from then on', async () => {
  await using database = await openTestDatabase()
  await using one = await temporaryDirectory()
  await using two = await temporaryDirectory()
  const env = { DATABASE_URL: database.url.reveal() }
  await using first = await start(one.path, env)
  const deployed = await deploy(first, 'taken over')
  // Otherwise it would wait for the machine that has its data.
  await database.kysely
    .updateTable('deployments')
    .set({ keeps_data: false })
    .where('id', '=', deployed.id)
    .execute()
  const former = await who(first, deployed)
  const processes = (await serversOf(one.path, deployed.id)).length
  const masterKey = (await readFile(join(one.path, 'master.key'), 'utf8')).trim()
  await using second = await start(two.path, { ...env, CATWALK_MASTER_KEY: masterKey })
  await until('the second forwards', async () =>
    who(second, deployed).then(
      (found) => (found === former ? true : null),
      () => null,
    ),
  )

  process.kill(first.pid, 'SIGSTOP')
  try {
    const taken = await until(
      'the second has taken over',
      async () =>
        who(second, deployed).then(
          (found) => (found === former ? null : found),
          () => null,
        ),
      120_000,
    )
    process.kill(first.pid, 'SIGCONT')
    await until(
      'the first has ended its server',
      async () => ((await serversOf(one.path, deployed.id)).length === 0 ? true : null),
      60_000,
    )
    await until(
      'the first forwards',
      async () =>
        who(first, deployed).then(
          (found) => (found === taken ? true : null),
          () => null,
        ),
      60_000,
    )
    expect(await who(second, deployed)).toBe(taken)
    expect(await serversOf(two.path, deployed.id)).toHaveLength(processes)
  } finally {
    process.kill(first.pid, 'SIGCONT')
  }
  await queries.announce(database.kysely, 'deployment', deployed.id)
  await (await apiOf(second)).call('deleteDeployment', { params: { id: deployed.id } })
})
