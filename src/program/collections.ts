import type { IncomingMessage, ServerResponse } from 'node:http'
import { createBridge, type Bridge } from '../bridge/index.ts'
import { startCollection, type Forward } from '../collections/index.ts'
import { queries } from '../db/index.ts'
import {
  CatwalkError,
  type Caller,
  type CallRecord,
  type Clock,
  type Collection,
  type Endpoint,
  type Logger,
  type Manifest,
} from '../domain/index.ts'
import type { GatewayRoute, RouteTable } from '../gateway/index.ts'
import { createSealer, openSession, type Sealer } from '../protocol/index.ts'
import type { SessionMemories } from '../services/index.ts'
import type { Vault } from '../vault/index.ts'
import type { NodeAddress } from './replicas.ts'

export interface CollectionsOptions {
  readonly db: queries.Handle
  readonly nodeId: string
  /** What answers for a collection on another node. */
  readonly at: (node: NodeAddress, id: string) => Pick<Endpoint, 'handle'>
  readonly vault: Pick<Vault, 'derive'>
  readonly sessions: Pick<SessionMemories, 'open'>
  readonly routes: RouteTable
  readonly forward: Forward
  readonly record: (call: CallRecord) => void
  readonly maxMessageBytes: number
  readonly clock: Clock
  readonly logger: Logger
  /** Answers a request that cannot be served. */
  readonly refuse: (res: ServerResponse, requestId: string, error: CatwalkError) => void
}

/** What answers for collections on this node. */
export interface Collections extends AsyncDisposable {
  of(route: GatewayRoute): Pick<Endpoint, 'handle'>
  /** The same for whom another node sent here; undefined when there is no such collection. */
  here(id: string): Pick<Endpoint, 'handle'> | undefined
}

interface Entry {
  /** What the bridge was made for, as text. */
  readonly made: string
  readonly bridge: Promise<Bridge>
  /** Of its sessions, whichever node they were opened on. */
  readonly sealer: Sealer
  now: Bridge | null
}

/** For calls that are under way when a collection is changed. */
const GRACE_MS = 30_000
/** How long a node is believed to be where it was. */
const ADDRESS_MS = 5_000
const UNREADABLE = new CatwalkError('unavailable', 'The collection cannot be served right now.')

/**
 * A bridge for each collection that somebody has called, in front of a server that is the collection itself. A change
 * makes a new one: sessions go on in it, as they do when a server is started again.
 */
export function createCollections(options: CollectionsOptions): Collections {
  const { db, vault, sessions, routes, logger } = options
  const entries = new Map<string, Entry>()
  const addresses = new Map<string, { readonly address: string | null; readonly at: number }>()
  const sealKeyOf = (id: string): Buffer => vault.derive(`sessions/${id}`, 32)

  /** As its owner wants clients to see it. */
  async function recorded(deploymentId: string, set: string): Promise<Manifest | null> {
    const found = await queries.recordedManifest(db, deploymentId)
    if (found === null) return null
    const manifest = { ...found.manifest, ...new Map(Object.entries(found.sets)).get(set) }
    const rules = routes.ofDeployment(deploymentId)?.tools?.rules ?? null
    return rules === null ? manifest : { ...manifest, tools: rules.show(manifest.tools) }
  }

  const isSame = (deploymentId: string, set: string): boolean =>
    routes.ofDeployment(deploymentId)?.tools?.sets.get(set) === true

  async function start(id: string, collection: Collection, former: Entry | undefined): Promise<Bridge> {
    const memory = await sessions.open(id)
    const server = startCollection({
      collection,
      forward: options.forward,
      isThere: (deploymentId) => routes.ofDeployment(deploymentId) !== undefined,
      known: { recorded, isSame },
      report: (deploymentId, caller, report) => {
        const workspaceId = routes.ofDeployment(deploymentId)?.workspaceId
        // Nothing is kept of a deployment that is gone.
        if (workspaceId === undefined) return
        options.record({
          at: new Date(options.clock.now().getTime() - report.durationMs),
          workspaceId,
          deploymentId,
          tokenId: caller.tokenId ?? null,
          subject: caller.subject,
          method: report.method,
          name: report.name,
          outcome: report.outcome,
          durationMs: report.durationMs,
          requestId: caller.requestId,
          traceId: caller.traceId ?? null,
        })
      },
      maxMessageBytes: options.maxMessageBytes,
      hasChanged: former !== undefined,
      failed: (error) =>
        logger.error({ err: error, collection: id }, 'a collection could not serve a request'),
    })
    const bridge = await createBridge(
      {
        launch: () => Promise.resolve(server),
        sealKey: sealKeyOf(id),
        deploymentId: id,
        node: options.nodeId,
        output: (_stream, line) => logger.debug({ collection: id, line }, 'a collection said something'),
        limits: { maxMessageBytes: options.maxMessageBytes },
        clock: options.clock,
        era: 'modern',
        processes: 'shared',
        memory,
      },
      new AbortController().signal,
    )
    if (former !== undefined) void replace(former, bridge)
    return bridge
  }

  /** Streams go on at the new bridge; calls under way end at the former. */
  async function replace(former: Entry, bridge: Bridge): Promise<void> {
    const old = await former.bridge.catch(() => null)
    if (old === null) return
    for (const { req, res, caller, body } of old.release()) bridge.handle(req, res, caller, body ?? undefined)
    await old.stop(GRACE_MS)
  }

  function entryOf(id: string, collection: Collection): Entry {
    const made = JSON.stringify(collection)
    const former = entries.get(id)
    if (former?.made === made) return former
    const entry: Entry = {
      made,
      bridge: start(id, collection, former),
      sealer: createSealer(sealKeyOf(id), 'mcp session'),
      now: null,
    }
    entry.bridge.then(
      (bridge) => (entry.now = bridge),
      (error: unknown) => {
        logger.error({ err: error, collection: id }, 'a collection could not be started')
        if (entries.get(id) === entry) entries.delete(id)
      },
    )
    entries.set(id, entry)
    return entry
  }

  function changed(): void {
    for (const [id, entry] of entries) {
      const collection = routes.ofDeployment(id)?.collection
      if (collection !== undefined) entryOf(id, collection)
      else {
        entries.delete(id)
        entry.bridge.then((bridge) => bridge.stop(0)).catch(() => undefined)
      }
    }
  }

  async function answer(
    entry: Entry,
    ...[req, res, caller]: [IncomingMessage, ServerResponse, Caller]
  ): Promise<void> {
    try {
      ;(await entry.bridge).handle(req, res, caller)
    } catch {
      options.refuse(res, caller.requestId, UNREADABLE)
    }
  }

  function serve(entry: Entry, ...[req, res, caller]: [IncomingMessage, ServerResponse, Caller]): void {
    if (entry.now !== null) entry.now.handle(req, res, caller)
    else void answer(entry, req, res, caller)
  }

  /** The other node where a session was opened: its streams and what was asked on them are there. */
  function homeOf({ sealer }: Entry, { headers }: IncomingMessage): string | undefined {
    const token = headers['mcp-session-id']
    if (typeof token !== 'string') return undefined
    const node = openSession(sealer, token)?.node
    return node === options.nodeId ? undefined : node
  }

  /** Null once that node is gone: the session goes on here, as after a restart. */
  async function addressOf(node: string): Promise<string | null> {
    const known = addresses.get(node)
    if (known !== undefined && performance.now() - known.at < ADDRESS_MS) return known.address
    try {
      const address = await queries.nodeAddress(db, node)
      addresses.set(node, { address, at: performance.now() })
      return address
    } catch {
      // The database is away, which says nothing of the node.
      return known?.address ?? null
    }
  }

  async function sendHome(
    node: string,
    id: string,
    entry: Entry,
    ...request: [IncomingMessage, ServerResponse, Caller]
  ): Promise<void> {
    const address = await addressOf(node)
    if (address === null) serve(entry, ...request)
    else options.at({ nodeId: node, address }, id).handle(...request)
  }

  const unwatch = routes.onChange(changed)
  return {
    of({ deploymentId: id, collection = NOTHING }) {
      const entry = entryOf(id, collection)
      return {
        handle(req, res, caller) {
          const home = homeOf(entry, req)
          if (home === undefined) serve(entry, req, res, caller)
          else void sendHome(home, id, entry, req, res, caller)
        },
      }
    },
    here(id) {
      const collection = routes.ofDeployment(id)?.collection
      if (collection === undefined) return undefined
      const entry = entryOf(id, collection)
      return { handle: (req, res, caller) => serve(entry, req, res, caller) }
    },
    async [Symbol.asyncDispose]() {
      unwatch()
      await Promise.all(
        [...entries.values()].map(async ({ bridge }) => (await bridge.catch(() => null))?.stop(0)),
      )
    },
  }
}

const NOTHING: Collection = { name: '', listing: 'flat', searchOver: 1, members: [] }
