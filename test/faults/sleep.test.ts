import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ApiClient } from '../../src/contract/index.ts'
import { startNpmRegistry, type NpmRegistry } from '../fakes/npm-registry.ts'
import { openTestDatabase } from '../support/database.ts'
import { connectClient } from '../support/mcp-client.ts'
import { strayProcesses } from '../support/processes.ts'
import { apiOf, startProgram, type Program } from '../support/program.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { until } from '../support/until.ts'
import { serverPackage, toolsNamed } from '../support/server-package.ts'

/** Says on stderr when a slow call has come. */
const SLEEPER = serverPackage('sleeper-mcp', {
  answers: `
  'tools/list': ${toolsNamed('quick', 'slow')},
  'tools/call': async ({ name, arguments: given }) => {
    if (name === 'slow') {
      process.stderr.write('slow call\\n')
      await new Promise((resolve) => setTimeout(resolve, given.ms))
    }
    return { content: [{ type: 'text', text: name }] }
  },
`,
})

const SOURCE = 'npm:sleeper-mcp'
let registry: NpmRegistry
let dataDir: string

beforeAll(async () => {
  registry = await startNpmRegistry([SLEEPER])
  dataDir = await mkdtemp(join(tmpdir(), 'catwalk-sleep-'))
  await chmod(dataDir, 0o755)
})
afterAll(async () => {
  await registry[Symbol.asyncDispose]()
  await rm(dataDir, { recursive: true, force: true })
})

async function start(pauseAt?: string, flags: readonly string[] = []): Promise<Program> {
  return startIn(dataDir, pauseAt === undefined ? {} : { CATWALK_PAUSE_AT: pauseAt }, flags)
}

async function startIn(
  directory: string,
  env: Readonly<Record<string, string>>,
  flags: readonly string[] = [],
): Promise<Program> {
  const ours = { npm_config_registry: registry.url, npm_config_userconfig: '/nonexistent' }
  return startProgram({ dataDir: directory, flags, env: { ...ours, ...env } })
}

async function becomes(api: ApiClient, id: string, state: string): Promise<void> {
  await until(
    `${id} is ${state}`,
    async () => ((await api.call('getDeployment', { params: { id } })).state === state ? true : null),
    60_000,
  )
}

const pauses = async (program: Program, point: string): Promise<unknown> =>
  until(
    `it pauses at ${point}`,
    () => (program.output().includes(`Paused at ${point}`) ? true : null),
    60_000,
  )

async function deploy(program: Program, name: string) {
  const api = await apiOf(program)
  const { deployment, token } = await api.call('createDeployment', {
    body: { source: SOURCE, network: 'none', name, confirmWarnings: true },
  })
  await becomes(api, deployment.id, 'running')
  // The gateway hears of it a moment after the API does.
  await until('it answers', async () =>
    connectClient(`${program.origin}/mcp/${deployment.slug}`, token.secret).then(
      async (client) => client.close().then(() => true as const),
      () => null,
    ),
  )
  return { id: deployment.id, slug: deployment.slug, token: token.secret }
}

const quick = { content: [{ type: 'text', text: 'quick' }] }

test('killed while a deployment falls asleep, the program leaves no process and answers the same session after a restart', async () => {
  await using first = await start('deployment.sleeping')
  const api = await apiOf(first)
  const { id, slug, token } = await deploy(first, 'falls asleep')
  await using client = await connectClient(`${first.origin}/mcp/${slug}`, token)
  expect(await client.callTool({ name: 'quick' })).toMatchObject(quick)
  await api.call('changeSettings', { params: { id }, body: { idleTimeoutS: 1 } })
  await pauses(first, 'deployment.sleeping')
  await first.kill9()
  expect(await strayProcesses(dataDir)).toEqual([])

  await using second = await start(undefined, ['--port', new URL(first.origin).port])
  expect(await client.callTool({ name: 'quick' })).toMatchObject(quick)
  await (await apiOf(second)).call('deleteDeployment', { params: { id } })
  await second.stop()
  expect(await strayProcesses(dataDir)).toEqual([])
})

test.each(['deployment.serving', 'deployment.waking'] as const)(
  'killed at %s, the program leaves no process, and the next call wakes the deployment once',
  async (point) => {
    await using before = await start()
    const { id, slug, token } = await deploy(before, point.replace('.', ' '))
    await before.stop()

    await using paused = await start(point)
    await becomes(await apiOf(paused), id, 'sleeping')
    const lost = connectClient(`${paused.origin}/mcp/${slug}`, token).then(async (client) =>
      client.callTool({ name: 'quick' }),
    )
    const outcome = lost.then(
      () => 'answered',
      () => 'lost',
    )
    await pauses(paused, point)
    await paused.kill9()
    expect(await outcome).toBe('lost')
    expect(await strayProcesses(dataDir)).toEqual([])

    await using program = await start()
    const api = await apiOf(program)
    await using client = await connectClient(`${program.origin}/mcp/${slug}`, token)
    expect(await client.callTool({ name: 'quick' })).toMatchObject(quick)
    // The answer need not wait for what is recorded of it.
    const ready = await until('it is recorded', async () => {
      const { items } = await api.call('listEvents', { params: { id } })
      const found = items.filter(({ kind }) => kind === 'instance.ready')
      return found.length > 0 ? found : null
    })
    expect(ready).toHaveLength(1)
    await api.call('deleteDeployment', { params: { id } })
    await program.stop()
    expect(await strayProcesses(dataDir)).toEqual([])
  },
)

/** A slow call has reached the server. */
async function arrives(api: ApiClient, id: string, calls = 1): Promise<void> {
  await until('the call has come', async () => {
    const { items } = await api.call('listLogs', { params: { id }, query: { limit: 100 } })
    return items.filter(({ line }) => line === 'slow call').length >= calls ? true : null
  })
}

test('a call that is under way when the program stops gets its answer', async () => {
  await using program = await start()
  const api = await apiOf(program)
  const { id, slug, token } = await deploy(program, 'drains')
  await using client = await connectClient(`${program.origin}/mcp/${slug}`, token)
  const slow = client.callTool({ name: 'slow', arguments: { ms: 3000 } })
  await arrives(api, id)
  await Promise.all([program.stop(), slow])
  expect(await slow).toMatchObject({ content: [{ type: 'text', text: 'slow' }] })
  expect(await strayProcesses(dataDir)).toEqual([])
})

test('a call that is under way when its deployment is restarted or stopped gets its answer', async () => {
  await using program = await start()
  const api = await apiOf(program)
  const { id, slug, token } = await deploy(program, 'restarts')
  await using client = await connectClient(`${program.origin}/mcp/${slug}`, token)
  for (const [index, action] of (['restartDeployment', 'stopDeployment'] as const).entries()) {
    const slow = client.callTool({ name: 'slow', arguments: { ms: 3000 } })
    await arrives(api, id, index + 1)
    await api.call(action, { params: { id } })
    expect(await slow).toMatchObject({ content: [{ type: 'text', text: 'slow' }] })
  }
  await program.stop()
  expect(await strayProcesses(dataDir)).toEqual([])
})

test('killed while it waits for calls to end, the program leaves no process and answers after a restart', async () => {
  await using first = await start()
  const api = await apiOf(first)
  const { id, slug, token } = await deploy(first, 'killed drain')
  const client = await connectClient(`${first.origin}/mcp/${slug}`, token)
  const slow = client.callTool({ name: 'slow', arguments: { ms: 60_000 } })
  const outcome = slow.then(
    () => 'answered',
    () => 'lost',
  )
  await arrives(api, id)
  const ending = first.stop().catch(() => undefined)
  await until('it takes nothing new', async () =>
    fetch(`${first.origin}/healthz`).then(
      () => null,
      () => true,
    ),
  )
  await first.kill9()
  await client.close()
  expect(await outcome).toBe('lost')
  await ending
  expect(await strayProcesses(dataDir)).toEqual([])

  await using second = await start()
  await using again = await connectClient(`${second.origin}/mcp/${slug}`, token)
  expect(await again.callTool({ name: 'quick' })).toMatchObject(quick)
  await second.stop()
  expect(await strayProcesses(dataDir)).toEqual([])
})

test('a restart of one of two replicas drops no call of the other, and none that is under way', async () => {
  await using database = await openTestDatabase()
  await using one = await temporaryDirectory()
  await using two = await temporaryDirectory()
  // One client calls as fast as it can.
  const env = { DATABASE_URL: database.url.reveal(), CATWALK_TOKEN_REQUESTS_PER_MINUTE: '1000000' }
  await using first = await startIn(one.path, env)
  const here = await deploy(first, 'on the first')
  const masterKey = (await readFile(join(one.path, 'master.key'), 'utf8')).trim()
  await using second = await startIn(two.path, { ...env, CATWALK_MASTER_KEY: masterKey })
  // On the second, because the first may not run what has its data there.
  await (await apiOf(first)).call('stopDeployment', { params: { id: here.id } })
  const there = await until('a deployment of the second replica', async () => {
    const found = await deploy(second, 'on the second')
    const row = await database.kysely
      .selectFrom('deployments')
      .select('home_node')
      .where('id', '=', found.id)
      .executeTakeFirst()
    const { home_node: home } = await database.kysely
      .selectFrom('deployments')
      .select('home_node')
      .where('id', '=', here.id)
      .executeTakeFirstOrThrow()
    return row?.home_node === home ? null : found
  })
  await (await apiOf(first)).call('startDeployment', { params: { id: here.id } })
  await becomes(await apiOf(first), here.id, 'running')

  await using steady = await connectClient(`${second.origin}/mcp/${there.slug}`, there.token)
  // Through the second replica to a server of the first.
  await using through = await connectClient(`${second.origin}/mcp/${here.slug}`, here.token)
  const slow = through.callTool({ name: 'slow', arguments: { ms: 3000 } })
  await arrives(await apiOf(second), here.id)
  const done = new AbortController()
  let calls = 0
  const calling = (async () => {
    while (!done.signal.aborted) {
      expect(await steady.callTool({ name: 'quick' })).toMatchObject(quick)
      calls++
    }
  })()
  // Looked at in the end; until then a failure has nobody to hear it.
  calling.catch(() => undefined)
  await first.stop()
  expect(await slow).toMatchObject({ content: [{ type: 'text', text: 'slow' }] })
  await using again = await startIn(one.path, env)
  await until('it answers again', async () =>
    connectClient(`${again.origin}/mcp/${here.slug}`, here.token).then(
      async (client) =>
        client.callTool({ name: 'quick' }).then(async () => client.close().then(() => true as const)),
      () => null,
    ),
  )
  done.abort()
  await calling
  expect(calls).toBeGreaterThan(0)
})
