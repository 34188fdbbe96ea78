import { type AccessMode, type Collection, type KnownTools, type TokenScope } from '../domain/index.ts'

export type RouteState = 'open' | 'deploying' | 'stopped' | 'failed'

/** Null is as for everybody. */
export interface CallQuotas {
  readonly callsPerMinute: number | null
  readonly concurrentCalls: number | null
}

export interface RouteToken {
  readonly id: string
  readonly expiresAt: Date | null
  /** `full` when it is not said. */
  readonly scope?: TokenScope
  /** Who made it, while that person is a member. */
  readonly userId?: string
  /** What is set for this token alone. */
  readonly quotas?: CallQuotas
}

/** What a person allowed one device of a client. */
export interface RouteAuthorization {
  readonly connectionId: string
  readonly userId: string
  readonly scope: TokenScope
}

/** What the gateway knows of a deployment. */
export interface GatewayRoute {
  readonly deploymentId: string
  readonly workspaceId: string
  readonly slug: string
  /** `open`: there is a release to answer calls, whether an instance of it runs right now or not. */
  readonly state: RouteState
  /** Every caller has a process of their own, so nothing but that may answer. False when it is not said. */
  readonly personal?: boolean
  /** `token` when it is not said. */
  readonly access?: AccessMode
  /** By the SHA-256 of the token, in hexadecimal. */
  readonly tokens: ReadonlyMap<string, RouteToken>
  /** By id. */
  readonly authorizations?: ReadonlyMap<string, RouteAuthorization>
  /** The node with the instance that answers; null while there is none. */
  readonly owner?: { readonly nodeId: string; readonly address: string } | null
  /** How often in a row an instance ended or did not come up; 0 when it is not said. */
  readonly failures?: number
  /** What it is made of, when it is no deployment. */
  readonly collection?: Collection
  /** What is set, approved and stopped of its tools. */
  readonly tools?: KnownTools
  /** What is set for its workspace alone; null and absent are what every workspace may. */
  readonly quotas?: CallQuotas
  /** Origins of web pages that may call this endpoint, besides those allowed for all. */
  readonly allowedOrigins?: readonly string[]
}

/** The routes in memory, kept up to date from outside. */
export interface RouteTable {
  find(slug: string): GatewayRoute | undefined
  all(): Iterable<GatewayRoute>
  ofDeployment(deploymentId: string): GatewayRoute | undefined
  /** Calls `listener` after each change until the returned function is called. */
  onChange(listener: () => void): () => void
  /** Everything there is; the table is up to date again. */
  replaceAll(routes: Iterable<GatewayRoute>): void
  put(route: GatewayRoute): void
  remove(deploymentId: string): void
  /** Changes are heard of right now. Without it for a while, the table is stale. */
  confirm(): void
  /** Whether nothing was loaded yet, or changes have not been heard of for too long: tokens may have been revoked. */
  isStale(): boolean
}

export interface RouteTableOptions {
  /** How long the table is trusted after it was last confirmed. */
  readonly staleAfterMs?: number
  /** Milliseconds that passed since some moment; not of the calendar, which jumps when somebody sets the clock. */
  readonly elapsedMs?: () => number
}

export function createRouteTable(options: RouteTableOptions = {}): RouteTable {
  const { staleAfterMs = 60_000, elapsedMs = () => performance.now() } = options
  let bySlug = new Map<string, GatewayRoute>()
  const slugs = new Map<string, string>()
  let confirmedAt = -Infinity
  const listeners = new Set<() => void>()

  function add(route: GatewayRoute): void {
    bySlug.set(route.slug, route)
    slugs.set(route.deploymentId, route.slug)
  }
  function remove(deploymentId: string): void {
    const slug = slugs.get(deploymentId)
    if (slug === undefined) return
    slugs.delete(deploymentId)
    // A slug may have gone to another deployment in the meantime.
    if (bySlug.get(slug)?.deploymentId === deploymentId) bySlug.delete(slug)
  }

  function changed(): void {
    for (const listener of listeners) listener()
  }

  return {
    find: (slug) => bySlug.get(slug),
    all: () => bySlug.values(),
    ofDeployment: (deploymentId) => bySlug.get(slugs.get(deploymentId) ?? ''),
    onChange(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    replaceAll(routes) {
      bySlug = new Map()
      slugs.clear()
      for (const route of routes) add(route)
      confirmedAt = elapsedMs()
      changed()
    },
    put(route) {
      remove(route.deploymentId)
      add(route)
      changed()
    },
    remove(deploymentId) {
      remove(deploymentId)
      changed()
    },
    confirm() {
      if (confirmedAt !== -Infinity) confirmedAt = elapsedMs()
    },
    isStale: () => elapsedMs() - confirmedAt > staleAfterMs,
  }
}
