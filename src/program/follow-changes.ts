import { queries, type Database } from '../db/index.ts'
import { isCrashLooping, isStopped, knownTools, type KnownTools, type Logger } from '../domain/index.ts'
import type { GatewayRoute, RouteTable } from '../gateway/index.ts'
import type { Reconciler } from '../reconciler/index.ts'
import type { ChangeHub, SessionMemories } from '../services/index.ts'

const HEARTBEAT_MS = 5000
// Two heartbeats and a bit: then nothing that this node believes of others can be trusted for long.
const SILENT_MS = 12_000

/** Under which the hub tells that somebody may have lost access. */
export const ACCESS = 'access'

export interface Followers {
  readonly nodeId: string
  readonly changes: ChangeHub
  readonly reconciler: Reconciler
  readonly routes: RouteTable
  readonly sessions: SessionMemories
  readonly logger: Logger
}

/**
 * Tells every part of the program what the database's channel says, and has all of them look again after it was away.
 * A heartbeat through the channel itself shows whether it still carries anything; while it does not, the route table
 * counts as cut off.
 */
export async function followChanges(database: Database, followers: Followers): Promise<AsyncDisposable> {
  const { nodeId, changes, reconciler, routes, sessions, logger } = followers
  const db = database.kysely
  let heardAt = performance.now()
  let isSilent = false
  // One after the other: an older answer must never overwrite a newer one.
  let loading: Promise<void> = Promise.resolve()

  function load(deploymentId?: string): void {
    loading = loading.then(() => loadNow(deploymentId))
  }

  async function loadNow(deploymentId: string | undefined): Promise<void> {
    try {
      const found = (await queries.loadRoutes(db, deploymentId)).map(asRoute)
      if (deploymentId === undefined) routes.replaceAll(found)
      else if (found[0] === undefined) routes.remove(deploymentId)
      else routes.put(found[0])
    } catch (error) {
      // The table may now miss a change; a heartbeat that is heard again loads everything.
      isSilent = true
      logger.error({ err: error }, 'routes could not be read')
    }
  }

  function everythingMayHaveChanged(): void {
    isSilent = false
    load()
    reconciler.poke(null)
    changes.publishAll()
    sessions.reload().catch((error: unknown) => {
      logger.error({ err: error }, 'ended sessions could not be read')
    })
  }

  function onPayload(payload: string): void {
    heardAt = performance.now()
    if (isSilent) everythingMayHaveChanged()
    else routes.confirm()
    const change = queries.readAnnouncement(payload)
    if (change === null) return
    if (change.kind === 'access') return changes.publish(ACCESS)
    if (change.kind === 'session') {
      return sessions.heardEnd(change.deploymentId, change.sessionId, change.expiresAt)
    }
    changes.publish(change.deploymentId)
    if (change.kind !== 'deployment') return
    reconciler.poke(change.deploymentId)
    load(change.deploymentId)
  }

  function beat(): void {
    if (performance.now() - heardAt > SILENT_MS) isSilent = true
    queries.heartbeat(db, nodeId).catch((error: unknown) => {
      logger.warn({ err: error }, 'no heartbeat could be sent')
    })
  }

  const subscription = await database.listen(queries.CHANNEL, onPayload, everythingMayHaveChanged)
  load()
  await loading
  const timer = setInterval(beat, HEARTBEAT_MS)
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      await subscription[Symbol.asyncDispose]()
      await loading
    },
  }
}

function asRoute(row: queries.RouteRow): GatewayRoute {
  return {
    deploymentId: row.deployment_id,
    workspaceId: row.workspace_id,
    slug: row.slug,
    state: routeState(row),
    access: row.access,
    personal: row.personal,
    allowedOrigins: row.allowed_origins,
    tools: toolsOf(row),
    failures: row.failures,
    quotas: { callsPerMinute: row.calls_per_minute, concurrentCalls: row.concurrent_calls },
    owner:
      row.owner === null || row.owner.address === null
        ? null
        : { nodeId: row.owner.node_id, address: row.owner.address },
    ...(row.collection === null
      ? {}
      : {
          collection: {
            name: row.collection.name,
            listing: row.collection.listing,
            searchOver: row.collection.search_over,
            members: row.collection.members.map(({ deployment_id: deploymentId, prefix }) => ({
              deploymentId,
              prefix,
            })),
          },
        }),
    authorizations: new Map(
      row.authorizations.map(({ id, connection_id: connectionId, user_id: userId, scope }) => [
        id,
        { connectionId, userId, scope },
      ]),
    ),
    tokens: new Map(
      row.tokens.map(({ hash, id, scope, expires_at: expires, user_id: userId, ...own }) => [
        hash,
        {
          id,
          scope,
          expiresAt: expires === null ? null : new Date(expires),
          ...(userId === null ? {} : { userId }),
          quotas: { callsPerMinute: own.calls_per_minute, concurrentCalls: own.concurrent_calls },
        },
      ]),
    ),
  }
}

function toolsOf(row: queries.RouteRow): KnownTools {
  const { tool_settings: settings, tool_pinning: pinning, tool_pins: pins, live_release_id: releaseId } = row
  const sighted = Object.entries(row.tool_sightings)
  const stopped = Object.fromEntries(sighted.filter(([, kind]) => isStopped(kind, pinning)))
  return knownTools({ settings, pinning, stopped, releaseId, pins, sets: row.tool_sets })
}

function routeState(row: queries.RouteRow): GatewayRoute['state'] {
  if (row.collection !== null) return 'open'
  if (row.desired === 'stopped') return 'stopped'
  if (isCrashLooping({ hasLiveRelease: row.has_live_release, failures: row.failures })) return 'failed'
  if (row.has_live_release) return 'open'
  return row.newest_state === 'failed' ? 'failed' : 'deploying'
}
