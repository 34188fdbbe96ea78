import { readAnnouncementsInto } from '../support/announcements.ts'
import { openTestDatabase } from '../support/database.ts'
import { silentLogger } from '../support/logger.ts'
import { createFakeAnalyzer } from '../fakes/analyzer.ts'
import { createFakeVersions, type FakeVersions } from '../fakes/versions.ts'
import { createFakeRuntime, type FakeRuntime } from '../fakes/runtime.ts'
import { createDormant } from '../../src/bridge/index.ts'
import { queries, type Database } from '../../src/db/index.ts'
import { createToolDoor, newId, systemClock, type Actor, type PackageIndex } from '../../src/domain/index.ts'
import { refuseCall } from '../../src/gateway/index.ts'
import { createHttpClient } from '../../src/network/index.ts'
import { createTokenEndpoints } from '../../src/program/token-endpoints.ts'
import { createInstanceRegistry, startReconciler, type InstanceRegistry } from '../../src/reconciler/index.ts'
import {
  createAccountKeeper,
  createChangeHub,
  createAnalysisRuns,
  createDeployment,
  createLogWriter,
  createSessionMemories,
  getDeployment,
  type ServiceContext,
} from '../../src/services/index.ts'
import { createMetrics } from '../../src/telemetry/index.ts'
import { testVault } from '../support/vault.ts'

const NOTHING_SET = { current: () => undefined, onChange: () => () => undefined }

/** One node: a reconciler with fake runtimes of its own, here and at Fly. */
export interface Node extends AsyncDisposable {
  readonly id: string
  readonly runtime: FakeRuntime
  readonly instances: InstanceRegistry
}

export interface World extends AsyncDisposable {
  readonly database: Database
  readonly ctx: ServiceContext
  readonly versions: FakeVersions
  /**
   * @param lazily whether what ran before waits for a call
   * @param prepareAtFly what an installation does at Fly
   */
  startNode(id?: string, lazily?: boolean, prepareAtFly?: FakeRuntime['onPrepare']): Promise<Node>
  /** Creates a deployment and returns its id. */
  deploy(
    variables?: Record<string, string>,
    personal?: string[],
    accounts?: Record<string, { provider: string; template: string }>,
  ): Promise<string>
  /** Adds somebody with an account, a member unless told otherwise. Returns the user id. */
  person(name: string, isMember?: boolean): Promise<string>
  state(deploymentId: string): Promise<string>
}

/** Has every version of every package. */
export const packages: PackageIndex = {
  resolve: async (name, version) => ({
    name,
    version: version ?? '1.0.0',
    description: null,
    integrity: 'sha512-AAAA',
    executables: ['server'],
    repository: null,
    repositoryFolder: '',
    nodeRange: null,
    archive: null,
    license: null,
    deprecated: null,
    publishedAt: null,
    hasInstallScripts: false,
    unpackedBytes: null,
  }),
  download: () => Promise.reject(new Error('nothing is downloaded')),
  weeklyDownloads: async () => null,
}

/** A database with one workspace, and as many nodes as a test starts. */
export async function createWorld(trustedOrigins: readonly string[] = []): Promise<World> {
  const cleanup = new AsyncDisposableStack()
  const database = cleanup.use(await openTestDatabase())
  const db = database.kysely
  const workspaceId = newId('workspace')
  await db.insertInto('workspaces').values({ id: workspaceId, name: 'Test', personal: true }).execute()
  const actor: Actor = {
    kind: 'user',
    id: 'user_test',
    label: 'ana@example.com',
    workspaceId,
    role: 'owner',
    address: null,
  }
  await db.insertInto('users').values({ id: actor.id, name: 'Ana', email: 'the-world@example.com' }).execute()
  const vault = testVault()
  const versions = createFakeVersions(packages)
  const tokenEndpoints = createTokenEndpoints(
    cleanup.use(createHttpClient({ trustedOrigins, userAgent: 'test' })),
  )
  const ctx: ServiceContext = {
    db,
    vault,
    versions,
    serviceKeys: { check: async () => new Map() },
    analyzer: createFakeAnalyzer(),
    pokeRegistries: () => {},
    pokeUpdates: () => {},
    notices: { check: async () => {} },
    pokeNotices: () => {},
    tokenEndpoints,
    analyses: createAnalysisRuns({
      timeoutMs: 10_000,
      now: () => systemClock.now(),
      signal: new AbortController().signal,
    }),
    endpoints: createInstanceRegistry(1000),
    changes: createChangeHub(),
    record: () => undefined,
    clock: systemClock,
    publicUrl: 'http://localhost:7420',
    defaultMemoryMiB: 256,
    memoryPrice: null,
    quotas: { deployments: 0, memoryMiB: 0, callsPerMinute: 0, concurrentCalls: 0 },
    installation: {
      version: '0',
      reachable: 'this_machine',
      unsandboxed: false,
      runtimes: [
        {
          kind: 'local',
          supports: {
            packages: ['npm', 'pypi', 'git'],
            memoryLimit: true,
            serverLogs: true,
            networkPolicies: ['none', 'internet'],
            suspend: false,
            survivesRestart: false,
            people: true,
          },
          status: async () => ({ ok: true, detail: '' }),
        },
      ],
    },
    actor,
    requestId: 'req_test',
    signal: new AbortController().signal,
  }
  return {
    database,
    ctx,
    versions,
    async startNode(id = newId('node'), lazily = false, prepareAtFly = async () => {}) {
      const runtime = createFakeRuntime()
      const fly = createFakeRuntime('fly')
      fly.onPrepare = prepareAtFly
      const instances = createInstanceRegistry(5000)
      const node = new AsyncDisposableStack()
      const changes = createChangeHub()
      await queries.enterNode(db, id, 'http://127.0.0.1:1', lazily)
      const logs = node.use(createLogWriter(db, silentLogger))
      const reconciler = node.use(
        startReconciler({
          db,
          nodeId: id,
          runtimes: new Map([
            ['local', runtime],
            ['fly', fly],
          ]),
          vault,
          logs,
          accounts: createAccountKeeper({
            db,
            vault,
            tokenEndpoints,
            clock: systemClock,
            logger: silentLogger,
          }),
          sessions: node.use(createSessionMemories({ db, clock: systemClock, logger: silentLogger })),
          tools: (_deployment, releaseId) =>
            createToolDoor(NOTHING_SET, releaseId, { report: () => undefined, record: () => undefined }),
          logger: silentLogger,
          metrics: createMetrics(),
          instances,
          idleTimeoutMs: 900_000,
          healthEveryMs: 20,
          healthTimeoutMs: 1000,
          probeTimeoutMs: 5000,
          hold: () => undefined,
          changes,
          standIn: ({ sessions: memory, ...options }) =>
            createDormant({ ...options, memory, clock: systemClock, maxMessageBytes: 1_000_000 }),
          refuse: refuseCall,
          peopleAtOnce: 2,
          publicUrl: ctx.publicUrl,
          staleAfterMs: 60_000,
          graceMs: 100,
          checkpoint: async () => {},
        }),
      )
      node.use(
        await readAnnouncementsInto(database, (change) => {
          changes.publish(change)
          reconciler.poke(change)
        }),
      )
      return { id, runtime, instances, [Symbol.asyncDispose]: () => node.disposeAsync() }
    },
    async person(name, isMember = true) {
      const id = newId('user')
      await db
        .insertInto('users')
        .values({ id, name, email: `${name}@example.com` })
        .execute()
      if (isMember)
        await db
          .insertInto('members')
          .values({ workspace_id: workspaceId, user_id: id, role: 'member' })
          .execute()
      return id
    },
    async deploy(variables = {}, personal = [], accounts = {}) {
      const { deployment } = await createDeployment(ctx, {
        body: {
          source: 'npm:some-mcp-server',
          variables,
          personal,
          accounts,
          files: {},
          arguments: {},
          args: [],
          confirmWarnings: false,
          allowMissing: false,
          network: 'none',
          allowScripts: false,
          tokenName: 'first',
        },
      })
      return deployment.id
    },
    state: async (id) => (await getDeployment(ctx, { params: { id } })).state,
    [Symbol.asyncDispose]: () => cleanup.disposeAsync(),
  }
}
