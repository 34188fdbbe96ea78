import type { IncomingMessage, ServerResponse } from 'node:http'
import { createDormant, type Dormant } from '../bridge/index.ts'
import { queries } from '../db/index.ts'
import {
  CatwalkError,
  type Caller,
  type Clock,
  type Endpoint,
  type EndpointDirectory,
  type HeldStream,
  type Logger,
} from '../domain/index.ts'
import type { GatewayRoute, RouteTable } from '../gateway/index.ts'
import type { SessionMemories } from '../services/index.ts'
import type { Vault } from '../vault/index.ts'

export interface DormantsOptions {
  readonly db: queries.Handle
  readonly vault: Pick<Vault, 'derive'>
  readonly sessions: Pick<SessionMemories, 'open'>
  readonly routes: RouteTable
  readonly directory: EndpointDirectory
  readonly maxMessageBytes: number
  readonly clock: Clock
  readonly logger: Logger
  /** Answers a request that cannot be served. */
  readonly refuse: (res: ServerResponse, requestId: string, error: CatwalkError) => void
}

/** What answers for deployments that have no instance right now. */
export interface Dormants extends Disposable {
  of(deploymentId: string): Pick<Endpoint, 'handle'>
  /** Keeps the streams of an instance that is about to end. */
  hold(deploymentId: string, streams: readonly HeldStream[]): void
}

interface Entry {
  readonly route: GatewayRoute | undefined
  readonly dormant: Promise<Dormant | null>
  /** The same, once it is there. */
  now: Dormant | null
}

const UNREADABLE = new CatwalkError('unavailable', 'What is known of the server cannot be read right now.')

/** Manifests that are kept in memory. One that holds streams stays beyond. */
const MAX_KEPT = 64

/**
 * Manifests are read when somebody calls a sleeping deployment, and again after anything about it has changed; a sleeping
 * deployment that nobody calls holds nothing here.
 */
export function createDormants(options: DormantsOptions): Dormants {
  const { db, vault, sessions, routes, directory, logger } = options
  const entries = new Map<string, Entry>()

  async function load(deploymentId: string, former: Entry | undefined): Promise<Dormant | null> {
    const [recorded, memory] = await Promise.all([
      queries.recordedManifest(db, deploymentId),
      sessions.open(deploymentId),
    ])
    if (recorded === null) return null
    const dormant = createDormant({
      deploymentId,
      sealKey: vault.derive(`sessions/${deploymentId}`, 32),
      memory,
      manifest: recorded.manifest,
      sets: recorded.sets,
      processes: recorded.processes,
      stateful: recorded.stateful,
      tools: () => routes.ofDeployment(deploymentId)?.tools?.rules ?? null,
      clock: options.clock,
      maxMessageBytes: options.maxMessageBytes,
      onHeld: changed,
      wake: async (signal) => directory.wake(deploymentId, signal),
    })
    dormant.hold((await former?.dormant)?.release() ?? [])
    return dormant
  }

  function entryOf(deploymentId: string): Entry {
    const route = routes.ofDeployment(deploymentId)
    const former = entries.get(deploymentId)
    if (former !== undefined && former.route === route) return former
    const entry: Entry = { route, dormant: load(deploymentId, former), now: null }
    entry.dormant.then(
      (dormant) => (entry.now = dormant),
      () => {
        if (entries.get(deploymentId) === entry) entries.delete(deploymentId)
      },
    )
    entries.delete(deploymentId)
    entries.set(deploymentId, entry)
    makeRoom()
    return entry
  }

  function makeRoom(): void {
    for (const [id, { now }] of entries) {
      if (entries.size <= MAX_KEPT) return
      if (now !== null && now.holding === 0) entries.delete(id)
    }
  }

  /** Streams go on at an instance as soon as there is one, and end with their deployment. */
  function changed(): void {
    for (const [id, { now }] of entries) {
      if (now === null || now.holding === 0) continue
      const endpoint = directory.ready(id)
      const route = routes.ofDeployment(id)
      if (route?.state !== 'open') for (const { res } of now.release()) res.end()
      else if (endpoint !== undefined) now.handOver(endpoint)
    }
  }

  async function answer(
    deploymentId: string,
    ...[req, res, caller]: [IncomingMessage, ServerResponse, Caller]
  ): Promise<void> {
    try {
      const answering = (await entryOf(deploymentId).dormant) ?? directory.ready(deploymentId)
      if (answering !== undefined) return answering.handle(req, res, caller)
    } catch (error) {
      logger.error({ err: error, deployment: deploymentId }, 'a manifest could not be read')
    }
    options.refuse(res, caller.requestId, UNREADABLE)
  }

  async function hold(deploymentId: string, streams: readonly HeldStream[]): Promise<void> {
    const dormant = await entryOf(deploymentId).dormant.catch(() => null)
    if (dormant === null) for (const { res } of streams) res.end()
    else dormant.hold(streams)
    changed()
  }

  const unwatch = routes.onChange(changed)
  return {
    of: (deploymentId) => ({
      handle: (req, res, caller) => void answer(deploymentId, req, res, caller),
    }),
    hold(deploymentId, streams) {
      if (streams.length > 0) void hold(deploymentId, streams)
    },
    [Symbol.dispose]() {
      unwatch()
      for (const { now } of entries.values()) for (const { res } of now?.release() ?? []) res.end()
    },
  }
}
