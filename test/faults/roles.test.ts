import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ApiClient } from '../../src/contract/index.ts'
import type { Database } from '../../src/db/index.ts'
import { startNpmRegistry } from '../fakes/npm-registry.ts'
import { openTestDatabase } from '../support/database.ts'
import { connectClient } from '../support/mcp-client.ts'
import { processesMentioning } from '../support/processes.ts'
import { apiOf, startProgram, type Program } from '../support/program.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { until } from '../support/until.ts'
import { SELF } from './self-package.ts'

/** The shortest time that can be set. */
const STALE_S = 15
const stack = new AsyncDisposableStack()
let database: Database
/** Serves people and clients, and runs nothing. */
let front: Program
let workers: Program[] = []
let api: ApiClient
let start: (roles: string, masterKey: string | null) => Promise<Program>

beforeAll(async () => {
  const registry = stack.use(await startNpmRegistry([SELF]))
  database = stack.use(await openTestDatabase())
  start = async (roles, masterKey) => {
    const directory = stack.use(await temporaryDirectory())
    return stack.use(
      await startProgram({
        dataDir: directory.path,
        flags: ['--roles', roles],
        env: {
          DATABASE_URL: database.url.reveal(),
          CATWALK_STALE_AFTER_S: String(STALE_S),
          npm_config_registry: registry.url,
          npm_config_userconfig: '/nonexistent',
          ...(masterKey === null ? {} : { CATWALK_MASTER_KEY: masterKey }),
        },
      }),
    )
  }
  front = await start('api,gateway', null)
  api = await apiOf(front)
  workers = [await start('reconciler', await masterKey())]
})
afterAll(() => stack.disposeAsync())

const masterKey = async (): Promise<string> =>
  (await readFile(join(front.dataDir, 'master.key'), 'utf8')).trim()

interface Deployed {
  readonly id: string
  readonly slug: string
  readonly token: string
}

async function deploy(name: string): Promise<Deployed> {
  const { deployment, token } = await api.call('createDeployment', {
    body: { source: 'npm:self-mcp', network: 'none', name, confirmWarnings: true },
  })
  return { id: deployment.id, slug: deployment.slug, token: token.secret }
}

/** Which process answers a new session at the front. */
async function who({ slug, token }: Deployed): Promise<string> {
  await using client = await connectClient(`${front.origin}/mcp/${slug}`, token)
  const { content } = (await client.callTool({ name: 'whoami' })) as { content: { text: string }[] }
  return content[0]?.text ?? ''
}

const answers = async (deployed: Deployed, limitMs = 60_000): Promise<string> =>
  until('it answers', async () => who(deployed).catch(() => null), limitMs)

const serversOf = async ({ dataDir }: Program): Promise<number> =>
  (await processesMentioning(`${dataDir}/deployments/`)).filter((line) => line.includes('bwrap')).length

const historyOf = async ({ id }: Deployed): Promise<readonly { kind: string; message: string }[]> =>
  (await api.call('listEvents', { params: { id } })).items

let moving: Deployed
let bound: Deployed

test('a replica without the role deploys and calls through one that has it, and runs no server itself', async () => {
  moving = await deploy('moving')
  bound = await deploy('bound')
  await Promise.all([answers(moving), answers(bound)])
  expect(await serversOf(front)).toBe(0)
  const [worker] = workers
  if (worker === undefined) throw new Error('there is no worker')
  expect(await serversOf(worker)).toBeGreaterThan(1)
})

test('what a replica does not do it refuses, with the fix; that it is well it says all the same', async () => {
  const [worker] = workers
  const at = async (path: string): Promise<{ status: number; text: string }> => {
    const response = await fetch(`${worker?.origin ?? ''}${path}`)
    return { status: response.status, text: await response.text() }
  }
  for (const path of [`/mcp/${moving.slug}`, '/api/v1/me', '/', '/.well-known/oauth-authorization-server']) {
    const { status, text } = await at(path)
    expect(status).toBe(421)
    expect(text).toContain('CATWALK_ROLES')
  }
  expect((await at('/healthz')).status).toBe(200)
  expect((await at('/readyz')).status).toBe(200)
  // Answered, by asking for a key.
  expect((await at('/metrics')).status).toBe(401)
})

test('a sleeping deployment is woken by a call at a replica that cannot run it', async () => {
  const before = await who(moving)
  await api.call('changeSettings', { params: { id: moving.id }, body: { idleTimeoutS: 1 } })
  await until(
    'it sleeps',
    async () =>
      (await api.call('getDeployment', { params: { id: moving.id } })).state === 'sleeping' ? true : null,
    30_000,
  )
  await api.call('changeSettings', { params: { id: moving.id }, body: { idleTimeoutS: 3600 } })
  expect(await answers(moving)).not.toBe(before)
})

test('when the machine that ran them vanishes, it is told; what keeps no data is taken over and answers, what keeps some waits, and goes on when it is back', async () => {
  const [first] = workers
  if (first === undefined) throw new Error('there is no worker')
  await database.kysely
    .updateTable('deployments')
    .set({ keeps_data: false })
    .where('id', '=', moving.id)
    .execute()
  const second = await start('reconciler', await masterKey())
  const before = await who(moving)

  const killedAt = performance.now()
  await first.kill9()
  const lost = async (deployed: Deployed): Promise<string> =>
    until(
      'it is told that the machine is gone',
      async () => (await historyOf(deployed)).find(({ kind }) => kind === 'node.lost')?.message ?? null,
      90_000,
    )
  expect(await lost(moving)).toContain('Another one takes over')
  expect(await lost(bound)).toContain('when that machine, which has its data, is back')
  expect(await answers(moving, 90_000)).not.toBe(before)
  const tookS = (performance.now() - killedAt) / 1000
  // What the leases say (stale time and half a minute), and a start.
  expect(tookS).toBeLessThan(STALE_S + 30 + 30)
  expect(await serversOf(second)).toBeGreaterThan(0)
  // Told once, though two nodes may have seen it.
  expect((await historyOf(moving)).filter(({ kind }) => kind === 'node.lost')).toHaveLength(1)
  expect(await who(bound).catch((error: unknown) => String(error))).toMatch(/machine/)
  process.stderr.write(`taken over and answered after ${tookS.toFixed(1)} s\n`)

  workers = [second]
  const back = stack.use(
    await startProgram({
      dataDir: first.dataDir,
      flags: ['--roles', 'reconciler'],
      env: {
        DATABASE_URL: database.url.reveal(),
        CATWALK_STALE_AFTER_S: String(STALE_S),
        CATWALK_MASTER_KEY: await masterKey(),
      },
    }),
  )
  await answers(bound)
  expect(await serversOf(back)).toBeGreaterThan(0)
})
