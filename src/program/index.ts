import { readFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { getRequestListener } from '@hono/node-server'
import { createAccountHandlers, createApi, createOAuthHandlers, createPeopleHandlers } from '../api/index.ts'
import { createDormant } from '../bridge/index.ts'
import { createAuth, createSetUpLinks, ensureLocalKey, ensureWorkspace, ownHosts } from '../auth/index.ts'
import { isLoopback, loadConfig, publicUrlOn, type Config, type ConfigSource } from '../config/index.ts'
import { createCallSheet, openDatabase, queries } from '../db/index.ts'
import {
  createAddressReader,
  createToolDoor,
  deploymentState,
  systemClock,
  type CallRecord,
  type DeploymentState,
  type InstanceTools,
  type Logger,
  type RuntimeStatus,
} from '../domain/index.ts'
import { createCallRecorder, createGateway, createRouteTable, refuseCall } from '../gateway/index.ts'
import { announceRun, readNodeId } from '../installation/index.ts'
import { createHttpClient, publicNetwork } from '../network/index.ts'
import {
  createNpmIndex,
  createOciIndex,
  createPackageFetcher,
  createPypiIndex,
  loadNpmConfiguration,
  loadPythonIndex,
} from '../packages/index.ts'
import {
  createAwakeMeter,
  createInstanceRegistry,
  startBystander,
  startNoticeDelivery,
  startReconciler,
  startUpdateChecks,
} from '../reconciler/index.ts'
import * as services from '../services/index.ts'
import { createSources } from '../sources/index.ts'
import { createLogger, createMetrics } from '../telemetry/index.ts'
import { createMasterKeys, createSealer, createVault, loadKeyRing } from '../vault/index.ts'
import { mailerOf, providerSettings } from './accounts.ts'
import { pauseAt } from './checkpoint.ts'
import { createCollections } from './collections.ts'
import { openDoor } from './door.ts'
import { createDormants } from './dormants.ts'
import { ACCESS, followChanges } from './follow-changes.ts'
import { bindServices } from './handlers.ts'
import { createRegistryEntries } from './registry-entries.ts'
import { startRegistries } from './registries.ts'
import { createReplicas, internalUrl, type Replicas } from './replicas.ts'
import { createNoticeSender } from './notices.ts'
import { createOAuth } from './oauth.ts'
import { openBundleOf } from './open-bundle.ts'
import { openRepositoryOf } from './open-repository.ts'
import { createLastCalls } from './last-calls.ts'
import { answerByRole } from './roles.ts'
import { createRuntimes } from './runtimes.ts'
import { createServiceKeys } from './service-keys.ts'
import { createSourceAnalyzer } from './source-analyzer.ts'
import { createTokenEndpoints } from './token-endpoints.ts'
import { aborted, stopSignal } from './stop-signal.ts'
import { createVersions } from './versions.ts'
import { welcomeText, type Welcome } from './welcome.ts'
import { createWorkspaceServices } from './workspace-services.ts'

const GRACE_MS = 10_000
// Two of these in a row make an instance unhealthy: within a minute.
const HEALTH_EVERY_MS = 15_000
const HEALTH_TIMEOUT_MS = 10_000
const AUDIT_MS = 2000
const MINUTE_MS = 60_000
/** How often tokens of accounts are looked at that run out. */
const ACCOUNTS_MS = 5000
/** Requests to endpoints without a valid token, from one address. */
const REFUSED_PER_MINUTE = 100
const HOUR_MS = 3_600_000
const LOG_RETENTION_MS = 300_000
/** Asked only about packages of npm's own registry. */
const NPM_DOWNLOADS = 'https://api.npmjs.org'
const ANALYSIS_RETENTION_DAYS = 30
const DASHBOARD = fileURLToPath(new URL('../../dist/web', import.meta.url))
const DOCS = fileURLToPath(new URL('../../docs', import.meta.url))

/**
 * Runs the program until it is told to stop (SIGINT, SIGTERM), and ends all that it started.
 * @throws CatwalkError for whatever makes the start impossible, with the fix
 */
export async function serve(source: ConfigSource): Promise<void> {
  const config = loadConfig(source)
  const logger = createLogger({ level: config.logLevel, format: config.logFormat })
  const stop = stopSignal(logger)
  try {
    await using program = await startProgram(config, logger, stop)
    process.stdout.write(welcomeText(program))
    await aborted(stop)
    process.stdout.write('Stopping.\n')
  } catch (error) {
    // Told to stop while it was starting: not a failure.
    if (!stop.aborted) throw error
  }
}

type Program = Welcome & AsyncDisposable

/** Opens everything in the order in which the parts need one another; disposing closes them in the reverse order. */
async function startProgram(config: Config, logger: Logger, stop: AbortSignal): Promise<Program> {
  await using stack = new AsyncDisposableStack()
  const { dataDir } = config
  const version = await readVersion()
  const metrics = createMetrics()
  const checkpoint = pauseAt(config.pauseAt)
  const door = stack.use(await openDoor(config))
  const publicUrl = new URL(publicUrlOn(config, door.port))
  const addresses = { publicUrl, port: door.port }

  await mkdir(dataDir, { recursive: true, mode: process.getuid?.() === 0 ? 0o711 : 0o700 })
  const database = stack.use(
    await openDatabase(
      {
        url: config.databaseUrl,
        dataDir,
        logger: logger.child({ part: 'database' }),
        fetchPackage: createPackageFetcher(() => loadNpmConfiguration(process.env)),
        checkpoint,
      },
      stop,
    ),
  )
  const db = database.kysely
  const keys = createMasterKeys(
    config.masterKey === null ? 'file' : 'environment',
    await loadKeyRing({
      dataDir,
      masterKey: config.masterKey,
      store: services.keyCheckStore(db),
      now: systemClock.now(),
    }),
    dataDir,
  )
  const sealer = createSealer(() => keys.ring())
  const vault = createVault(sealer, await services.ownSecret(db, sealer, 'vault.root'))
  const workspaceId = await ensureWorkspace(db)
  await ensureLocalKey({ database: db, dataDir, workspaceId })
  const nodeId = await readNodeId(dataDir)
  await queries.enterNode(
    db,
    nodeId,
    internalUrl(config.internalUrl, config.host, door.port),
    config.idleTimeoutMs > 0,
  )

  const userAgent = `catwalk/${version}`
  const packages = createNpmIndex({
    configuration: () => loadNpmConfiguration(process.env),
    downloadsUrl: NPM_DOWNLOADS,
  })
  const pypi = createPypiIndex({
    configuration: async () => loadPythonIndex(config.pypiIndexUrl?.reveal() ?? null, process.env),
    userAgent,
  })
  const workspaceServices = createWorkspaceServices({
    config,
    environment: process.env,
    userAgent,
    npm: packages,
    pypi,
    valuesOf: (id) => services.openWorkspaceSettings(db, vault, id),
  })
  const sources = stack.use(
    await createSources({
      directory: join(dataDir, 'snapshots'),
      maxCacheBytes: config.sourceCacheBytes,
      githubApiUrl: config.githubApiUrl,
      githubToken: config.githubToken,
      npm: packages,
      pypi,
      logger: logger.child({ part: 'sources' }),
      userAgent,
    }),
  )
  const reaching = { trustedOrigins: config.remoteOrigins, userAgent, maxSockets: Infinity }
  const remotes = stack.use(createHttpClient(reaching))
  const runtimes = createRuntimes(
    config,
    {
      dataDir,
      logger: logger.child({ part: 'runtime' }),
      npm: workspaceServices.npmConfiguration,
      pypi: workspaceServices.pythonIndex,
      hasOwnPackages: workspaceServices.hasOwnPackages,
      openSnapshot: openRepositoryOf(sources, workspaceServices),
      openBundle: openBundleOf(sources, workspaceServices),
      ...(config.storeMiB === 0 ? {} : { storeMiB: config.storeMiB }),
      releasesInUse: async (runtime) =>
        (await queries.releasesInUse(db, runtime)).map((release) => ({
          workspaceId: release.workspace_id,
          spec: release.launch_spec,
          settings: release.settings,
          lockFile: release.lock_file,
        })),
      ...(config.homeMiB === 0 ? {} : { homeMiB: config.homeMiB }),
      installTimeoutMs: config.installTimeoutMs,
      stop,
      maxMessageBytes: config.maxMessageBytes,
      firstUid: config.uidBase,
      userAgent,
      vault,
      valuesOf: (id) => services.openWorkspaceSettings(db, vault, id),
    },
    remotes,
  )
  const instances = createInstanceRegistry(config.wakeTimeoutMs)
  const logs = stack.use(services.createLogWriter(db, logger.child({ part: 'logs' })))
  const sessions = stack.use(
    services.createSessionMemories({ db, clock: systemClock, logger: logger.child({ part: 'sessions' }) }),
  )
  const routes = createRouteTable({ staleAfterMs: config.staleAfterMs })
  const replicas: Replicas = stack.use(
    createReplicas({
      nodeId,
      vault,
      routes,
      local: instances,
      collections: (id) => collections.here(id),
    }),
  )
  const dormants = stack.use(
    createDormants({
      db,
      vault,
      sessions,
      routes,
      directory: replicas.directory,
      maxMessageBytes: config.maxMessageBytes,
      clock: systemClock,
      logger: logger.child({ part: 'gateway' }),
      refuse: refuseCall,
    }),
  )
  // Begins before the reconciler, so that it ends after it, when no instance is left.
  stack.use(
    createAwakeMeter({
      instances,
      flush: (times) => queries.addAwakeTimes(db, times),
      logger: logger.child({ part: 'usage' }),
    }),
  )
  const changes = services.createChangeHub()
  function toolDoor(deploymentId: string, releaseId: string): InstanceTools {
    const source = {
      current: () => routes.ofDeployment(deploymentId)?.tools,
      onChange: (listener: () => void) => routes.onChange(listener),
    }
    return createToolDoor(source, releaseId, {
      report(tools) {
        services.noteTools(db, deploymentId, releaseId, tools).catch((error: unknown) => {
          logger.error({ err: error, deployment: deploymentId }, 'changed tools could not be kept')
        })
      },
      record(set, offers) {
        services.noteOffers(db, deploymentId, releaseId, set, offers).catch((error: unknown) => {
          logger.error(
            { err: error, deployment: deploymentId },
            'offers of a capability set could not be kept',
          )
        })
      },
    })
  }
  const tokenEndpoints = createTokenEndpoints(
    stack.use(
      createHttpClient({ trustedOrigins: config.accountProviderOrigins, userAgent, network: publicNetwork }),
    ),
  )
  const accounts = services.createAccountKeeper({
    db,
    vault,
    tokenEndpoints,
    clock: systemClock,
    logger: logger.child({ part: 'accounts' }),
  })
  const runsServers = config.roles.includes('reconciler')
  const startWork = runsServers ? startReconciler : startBystander
  const reconciler = stack.use(
    startWork({
      db,
      nodeId,
      runtimes: new Map(runtimes.map((runtime) => [runtime.kind, runtime])),
      vault,
      logs,
      sessions,
      accounts,
      tools: toolDoor,
      logger: logger.child({ part: 'reconciler' }),
      metrics,
      instances,
      hold: (deploymentId, streams) => dormants.hold(deploymentId, streams),
      changes,
      standIn: ({ sessions: memory, ...options }) =>
        createDormant({ ...options, memory, clock: systemClock, maxMessageBytes: config.maxMessageBytes }),
      refuse: refuseCall,
      peopleAtOnce: config.peopleAtOnce,
      publicUrl: publicUrl.origin,
      idleTimeoutMs: config.idleTimeoutMs,
      healthEveryMs: HEALTH_EVERY_MS,
      healthTimeoutMs: HEALTH_TIMEOUT_MS,
      probeTimeoutMs: config.probeTimeoutMs,
      staleAfterMs: config.staleAfterMs,
      graceMs: GRACE_MS,
      checkpoint,
    }),
  )
  metrics.countWith(async () => ({
    deployments: await countByState(db),
    instances: instances.all().length,
    stores: runtimes.flatMap(({ kind, storeUse }) =>
      storeUse === undefined ? [] : [{ kind, ...storeUse() }],
    ),
  }))

  const addressOf = createAddressReader(config.trustedProxies)
  stack.use(await followChanges(database, { nodeId, changes, reconciler, routes, sessions, logger }))
  const recorder = stack.use(
    createCallRecorder({
      newSheet: createCallSheet,
      writeCalls: (sheet) => database.writeCalls(sheet),
      writeCounts: async ({ minutes, uses }) => {
        await db.transaction().execute((tx) => queries.addUsage(tx, minutes))
        await queries.touchEndpointTokens(db, uses)
        await queries.touchConnections(db, uses)
      },
      clock: systemClock,
      logger: logger.child({ part: 'gateway' }),
    }),
  )
  const record = (call: CallRecord): void => {
    metrics.mcpRequest(call)
    recorder.add(call)
  }
  const { oauth, openAccessToken } = createOAuth({
    db,
    vault,
    routes,
    clock: systemClock,
    publicUrl: publicUrl.origin,
    http: stack.use(createHttpClient({ trustedOrigins: [], userAgent, network: publicNetwork })),
    documentHosts: config.oauthClientHosts,
  })
  const collections = stack.use(
    createCollections({
      db,
      nodeId,
      at: (node, id) => replicas.collectionAt(node, id),
      vault,
      sessions,
      routes,
      forward: (...request) => gateway.forward(...request),
      record,
      maxMessageBytes: config.maxMessageBytes,
      clock: systemClock,
      logger: logger.child({ part: 'gateway' }),
      refuse: refuseCall,
    }),
  )
  const gateway = createGateway({
    collections,
    publicUrl: publicUrl.origin,
    openAccessToken,
    routes,
    directory: replicas.directory,
    meanwhile: (deploymentId) => dormants.of(deploymentId),
    allowedHosts: ownHosts(addresses),
    maxMessageBytes: config.maxMessageBytes,
    limits: {
      tokenPerMinute: config.tokenRequestsPerMinute,
      addressPerMinute: config.addressRequestsPerMinute,
      refusedPerMinute: REFUSED_PER_MINUTE,
      tokenConcurrency: config.tokenConcurrency,
      deploymentConcurrency: config.deploymentConcurrency,
      workspacePerMinute: config.quotaCallsPerMinute,
      workspaceConcurrency: config.quotaConcurrentCalls,
    },
    addressOf,
    logger: logger.child({ part: 'gateway' }),
    onCall: (call) => {
      metrics.mcpCall(call)
      if (call.tokenId !== null) recorder.used(call.tokenId)
    },
    onRequest: record,
  })

  const rotator = stack.use(
    services.createRotator({
      db,
      sealer,
      keys,
      clock: systemClock,
      logger: logger.child({ part: 'keys' }),
      checkpoint: () => checkpoint('keys.rewrapped'),
    }),
  )
  rotator.poke()
  stack.use(every(AUDIT_MS, logger, () => services.chainAuditEntries(db, vault)))
  stack.use(every(MINUTE_MS, logger, async () => rotator.poke()))
  stack.use(every(ACCOUNTS_MS, logger, () => accounts.work()))

  const ending = new AbortController()
  const lastCalls = createLastCalls()
  const offers = runtimes.map((runtime) => ({
    kind: runtime.kind,
    supports: runtime.supports,
    status: async () => runtime.status(ending.signal),
    ...(runtime.disk === undefined ? {} : { disk: runtime.disk }),
    ...(runtime.admit === undefined ? {} : { admit: runtime.admit }),
  }))
  const mailer = mailerOf(config, logger.child({ part: 'mail' }))
  if (mailer !== null) stack.use(mailer)
  const noticeSender = createNoticeSender({
    http: stack.use(
      createHttpClient({ trustedOrigins: config.noticeOrigins, userAgent, network: publicNetwork }),
    ),
    mailer,
    publicUrl: publicUrl.origin,
    clock: systemClock,
  })
  // Who asks for one elsewhere waits for the next look of a replica that sends them.
  const notices = runsServers
    ? stack.use(
        startNoticeDelivery({
          db,
          vault,
          sender: noticeSender,
          random: Math.random,
          logger: logger.child({ part: 'notices' }),
        }),
      )
    : null
  const auth = createAuth({
    ...addresses,
    signUp: config.signUp,
    providers: providerSettings(config),
    mailer,
    database: db,
    secret: await services.ownSecret(db, sealer, 'accounts.secret'),
    clock: systemClock,
    logger: logger.child({ part: 'accounts' }),
  })
  const setUpLinks = createSetUpLinks({ database: db, publicUrl, workspaceId, clock: systemClock })
  const registries = stack.use(
    await startRegistries({
      db,
      nodeId,
      config,
      userAgent,
      logger: logger.child({ part: 'registries' }),
    }),
  )
  const images = createOciIndex({
    userAgent,
    plainRegistries: config.imageRegistries,
    platform: { os: 'linux', architecture: process.arch === 'x64' ? 'amd64' : process.arch },
  })
  const analyzer = createSourceAnalyzer({
    sources,
    services: workspaceServices,
    images,
    registry: createRegistryEntries(
      db,
      registries.official,
      runtimes.some(({ supports }) => supports.packages.includes('oci')),
    ),
    runtimes,
    memoryMiB: config.defaultMemoryMiB,
    now: () => systemClock.now(),
  })
  const versions = createVersions({ sources, services: workspaceServices, images, analyzer, runtimes })
  // Versions are tried out where servers run; who asks elsewhere waits for the next look of one of those.
  const updates = runsServers
    ? stack.use(
        startUpdateChecks({
          db,
          versions,
          everyMs: config.updateCheckMs,
          random: Math.random,
          logger: logger.child({ part: 'updates' }),
        }),
      )
    : null
  const api = createApi({
    ...addresses,
    auth,
    handlers: {
      ...createAccountHandlers({ auth, setUpLinks }),
      ...createOAuthHandlers(oauth),
      ...createPeopleHandlers({ database: db, auth, publicUrl, signUp: config.signUp }),
      ...services.createKeyAdministration({ db, keys, rotator, clock: systemClock }),
      ...services.createDoctor({
        db,
        vault,
        keys,
        packages,
        pypi,
        trustedProxies: config.trustedProxies,
        clock: systemClock,
        publicUrl,
        dataDir,
        isEmbedded: config.databaseUrl === null,
        unsandboxed: config.allowUnsandboxed,
        listensOn: config.host,
        listensOnLoopback: isLoopback(config.host),
        runtimes: offers,
      }),
      ...bindServices({
        db,
        vault,
        pokeRegistries: () => registries.poke(),
        pokeUpdates: () => updates?.poke(),
        notices: noticeSender,
        pokeNotices: () => notices?.poke(),
        serviceKeys: createServiceKeys({ config, userAgent, registries: workspaceServices }),
        endpoints: replicas.directory,
        tokenEndpoints,
        analyzer,
        versions,
        analyses: services.createAnalysisRuns({
          timeoutMs: config.analysisTimeoutMs,
          now: () => systemClock.now(),
          signal: ending.signal,
        }),
        changes,
        record,
        clock: systemClock,
        publicUrl: publicUrl.origin,
        defaultMemoryMiB: config.defaultMemoryMiB,
        memoryPrice: config.memoryPrice,
        quotas: {
          deployments: config.quotaDeployments,
          memoryMiB: config.quotaMemoryMiB,
          callsPerMinute: config.quotaCallsPerMinute,
          concurrentCalls: config.quotaConcurrentCalls,
        },
        installation: {
          version,
          reachable: isLoopback(publicUrl.hostname) ? 'this_machine' : 'network',
          unsandboxed: config.allowUnsandboxed,
          runtimes: offers,
        },
      }),
    },
    logger: logger.child({ part: 'api' }),
    oauth,
    addressOf,
    clock: systemClock,
    version,
    readiness: async () => {
      const checks = {
        database: await queries.answers(db),
        routes: !routes.isStale(),
        staying: !lastCalls.isLeaving,
      }
      return { ready: Object.values(checks).every(Boolean), checks }
    },
    metrics: async () => {
      const { contentType, body } = await metrics.render()
      return { contentType, text: body }
    },
    dashboardDir: DASHBOARD,
    docsDir: DOCS,
    onRequest: (event) => metrics.httpRequest(event),
    requestLimits: {
      addressPerMinute: config.apiAddressRequestsPerMinute,
      actorPerMinute: config.apiUserRequestsPerMinute,
    },
    onAccessChange: (listener) => changes.subscribe(ACCESS, listener),
    onForbidden: (actor, route) => {
      queries
        .recordAudit(db, { actor, action: `api.${route}`, target: null, outcome: 'refused' })
        .catch((error: unknown) => logger.error({ err: error }, 'a refusal could not be recorded'))
    },
    signal: ending.signal,
  })
  const answerApi = getRequestListener(api.fetch, { overrideGlobalObjects: false })
  stack.use(
    every(LOG_RETENTION_MS, logger, () =>
      queries.deleteOldLogLines(
        db,
        { days: config.logRetentionDays, lines: config.logRetentionLines },
        ending.signal,
      ),
    ),
  )
  stack.use(every(HOUR_MS, logger, () => queries.deleteOldAnalyses(db, ANALYSIS_RETENTION_DAYS)))
  stack.use(every(HOUR_MS, logger, () => queries.deleteExpiredMcpSessions(db)))
  stack.use(
    every(HOUR_MS, logger, () =>
      queries.deleteOldUsage(db, {
        callDays: config.callRetentionDays,
        minuteDays: config.usageMinuteRetentionDays,
        hourDays: config.usageRetentionDays,
        dayDays: config.usageDayRetentionDays,
      }),
    ),
  )
  stack.use(every(HOUR_MS, logger, () => queries.deleteReplacedTokens(db)))
  stack.use(every(HOUR_MS, logger, () => queries.deleteEndedOAuth(db)))
  stack.use(every(HOUR_MS, logger, () => auth.sweep()))
  const sandbox = await offers[0]?.status()
  const setUpLink = (await setUpLinks.needed()) ? (await setUpLinks.issue(null)).url.href : null

  door.open(
    answerByRole({
      saw: lastCalls.saw,
      roles: config.roles,
      gateway: (req, res) => gateway.handle(req, res),
      api: (req, res) => void answerApi(req, res),
      replicas,
    }),
  )
  stack.use(await announceRun(dataDir, `http://${ownName(config.host)}:${door.port}`))
  // The first to happen at the end: calls go elsewhere, nothing new comes in, calls in flight are answered, the API's
  // streams end.
  stack.defer(async () => {
    await lastCalls
      .leave({
        areThere: () => queries.hasOtherNodes(db, nodeId),
        tell: () => queries.withdrawNode(db, nodeId),
      })
      .catch((error: unknown) => logger.warn({ err: error }, 'other replicas could not be told'))
    door.close()
    ending.abort()
    await gateway.drain(GRACE_MS)
  })
  const owned = stack.move()
  return {
    version,
    publicUrl: publicUrl.origin,
    setUpLink,
    sandboxProblem: problemOf(sandbox),
    unsandboxed: config.allowUnsandboxed,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function countByState(db: queries.Handle): Promise<Partial<Record<DeploymentState, number>>> {
  const counts: Partial<Record<DeploymentState, number>> = {}
  for (const facts of await queries.listDeploymentFacts(db)) {
    const state = deploymentState(facts)
    counts[state] = (counts[state] ?? 0) + 1
  }
  return counts
}

/** Does something again and again; what goes wrong is logged and tried again the next time. */
function every(intervalMs: number, logger: Logger, act: () => Promise<unknown>): Disposable {
  const timer = setInterval(() => {
    act().catch((error: unknown) => logger.error({ err: error }, 'a periodic task failed'))
  }, intervalMs)
  return { [Symbol.dispose]: () => clearInterval(timer) }
}

/** The name under which a program on this machine reaches a listener. */
function ownName(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost'
  return host.includes(':') ? `[${host}]` : host
}

async function readVersion(): Promise<string> {
  const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8')
  // Our own file.
  return (JSON.parse(text) as { version: string }).version
}

function problemOf(status: RuntimeStatus | undefined): string | null {
  if (status === undefined) return 'Every runtime is switched off.'
  return status.ok ? null : `${status.reason} ${status.fix}`
}
