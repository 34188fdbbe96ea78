import { createServer, connect, type Server, type Socket } from 'node:net'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { join } from 'node:path'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openDatabase } from '../../src/db/index.ts'
import { Secret, type Endpoint } from '../../src/domain/index.ts'
import { createGateway, createRouteTable, type RouteTable } from '../../src/gateway/index.ts'
import { followChanges } from '../../src/program/follow-changes.ts'
import { createChangeHub, createToken, revokeToken } from '../../src/services/index.ts'
import { send } from '../bridge/http-client.ts'
import { createWorld, type World } from '../reconciler/world.ts'
import { silentLogger } from '../support/logger.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { until } from '../support/until.ts'

const STALE_AFTER_MS = 60_000
const ANSWERING: Endpoint = {
  handle: (_, res) => void res.writeHead(200, { 'content-type': 'application/json' }).end('{}'),
  request: () => Promise.reject(new Error('not asked')),
  probe: () => Promise.reject(new Error('not asked')),
}

let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(async () => {
  await world[Symbol.asyncDispose]()
})

interface Replica extends AsyncDisposable {
  readonly routes: RouteTable
  /** What the clock of its route table is ahead. */
  advance(ms: number): void
  status(slug: string, token: string): Promise<number>
}

/** The part of a program that answers calls, on a database connection of its own. */
async function startReplica(databaseUrl: Secret): Promise<Replica> {
  const stack = new AsyncDisposableStack()
  const options = { url: databaseUrl, dataDir: null, logger: silentLogger, poolSize: 2, migrate: false }
  const database = stack.use(await openDatabase(options, new AbortController().signal))
  let ahead = 0
  const elapsedMs = (): number => performance.now() + ahead
  const routes = createRouteTable({ staleAfterMs: STALE_AFTER_MS, elapsedMs })
  const nobody = { open: () => Promise.reject(new Error('not asked')), [Symbol.asyncDispose]: async () => {} }
  stack.use(
    await followChanges(database, {
      nodeId: 'node_none',
      changes: createChangeHub(),
      reconciler: { poke: () => undefined, [Symbol.asyncDispose]: async () => {} },
      sessions: { ...nobody, heardEnd: () => undefined, reload: async () => {} },
      routes,
      logger: silentLogger,
    }),
  )
  const gateway = createGateway({
    routes,
    directory: { ready: () => ANSWERING, wake: () => Promise.resolve(ANSWERING) },
    publicUrl: 'http://127.0.0.1',
    openAccessToken: () => undefined,
    allowedHosts: ['127.0.0.1'],
    maxMessageBytes: 1000,
    limits: {
      tokenPerMinute: 0,
      addressPerMinute: 0,
      refusedPerMinute: 0,
      tokenConcurrency: 10,
      deploymentConcurrency: 10,
      workspacePerMinute: 0,
      workspaceConcurrency: 0,
    },
    logger: silentLogger,
  })
  const server = createHttpServer((req, res) => gateway.handle(req, res))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  stack.defer(() => void server.close())
  // A server that listens on TCP has an address with a port.
  const { port } = server.address() as AddressInfo
  return {
    routes,
    advance: (ms) => (ahead += ms),
    async status(slug, token) {
      const headers = { authorization: `Bearer ${token}` }
      return (await send(`http://127.0.0.1:${port}/mcp/${slug}`, 'POST', headers, '{}')).status
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

/** A way to the test's database that can be cut. */
async function startCable(directory: string): Promise<{ url: Secret; cut(): void; mend(): Promise<void> }> {
  const direct = new URL(world.database.url.reveal())
  const target = join(direct.searchParams.get('host') ?? '', '.s.PGSQL.5432')
  const sockets = new Set<Socket>()
  let server: Server | null = null
  async function mend(): Promise<void> {
    server = createServer((near) => {
      const far = connect(target)
      for (const socket of [near, far]) {
        sockets.add(socket)
        socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
      }
      near.pipe(far).pipe(near)
    })
    await once(server.listen(join(directory, '.s.PGSQL.5432')), 'listening')
  }
  await mend()
  const url = new URL(direct)
  url.searchParams.set('host', directory)
  return {
    url: new Secret(url.href),
    cut() {
      server?.close()
      for (const socket of sockets) socket.destroy()
    },
    mend,
  }
}

/** A running deployment's slug, and a token for it. */
async function deployed(): Promise<{ id: string; slug: string; token: { id: string; secret: string } }> {
  const id = await world.deploy()
  await world.ctx.db.updateTable('deployments').set({ desired: 'running' }).where('id', '=', id).execute()
  const [release] = await world.ctx.db
    .selectFrom('releases')
    .selectAll()
    .where('deployment_id', '=', id)
    .execute()
  await world.ctx.db
    .updateTable('deployments')
    .set({ live_release_id: release?.id ?? null })
    .where('id', '=', id)
    .execute()
  const token = await createToken(world.ctx, {
    params: { id },
    body: { name: 'x', scope: 'full', expiresInDays: null },
  })
  const { slug } = await world.ctx.db
    .selectFrom('deployments')
    .select('slug')
    .where('id', '=', id)
    .executeTakeFirstOrThrow()
  return { id, slug, token }
}

test('calls go on while the database is away, until the table is stale; when it is back, what was missed counts', async () => {
  await using directory = await temporaryDirectory()
  const cable = await startCable(directory.path)
  const { id, slug, token } = await deployed()
  await using replica = await startReplica(cable.url)
  expect(await replica.status(slug, token.secret)).toBe(200)

  cable.cut()
  for (let call = 0; call < 20; call++) expect(await replica.status(slug, token.secret)).toBe(200)
  await revokeToken(world.ctx, { params: { id, tokenId: token.id } })
  replica.advance(STALE_AFTER_MS - 10_000)
  expect(await replica.status(slug, token.secret)).toBe(200)
  replica.advance(20_000)
  expect(await replica.status(slug, token.secret)).toBe(503)

  await cable.mend()
  await until('the table is loaded again', () => (replica.routes.isStale() ? null : true))
  expect(await replica.status(slug, token.secret)).toBe(401)
})

test('a revoked token is dead on every replica within a second', async () => {
  const { id, slug, token } = await deployed()
  await using one = await startReplica(world.database.url)
  await using two = await startReplica(world.database.url)
  const statuses = () => Promise.all([one, two].map((replica) => replica.status(slug, token.secret)))
  expect(await statuses()).toEqual([200, 200])
  await revokeToken(world.ctx, { params: { id, tokenId: token.id } })
  const dead = await until(
    'both refuse it',
    async () => ((await statuses()).every((status) => status === 401) ? true : null),
    1000,
  )
  expect(dead).toBe(true)
})
