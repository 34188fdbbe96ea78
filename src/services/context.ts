import type { Actor, Clock, EndpointDirectory, PackageIndex } from '../domain/index.ts'
import type { queries } from '../db/index.ts'
import type { Vault } from '../vault/index.ts'

/** Tells a listener that something about a deployment changed. */
export interface Changes {
  /** Calls `listener` after each change until the returned function is called. */
  subscribe(deploymentId: string, listener: () => void): () => void
}

/** What every use case may rely on; the same for all requests. */
export interface ServiceDependencies {
  readonly db: queries.Handle
  readonly vault: Vault
  readonly packages: PackageIndex
  readonly endpoints: EndpointDirectory
  readonly changes: Changes
  readonly clock: Clock
  /** Origin without a trailing slash. */
  readonly publicUrl: string
  readonly defaultMemoryMiB: number
}

/** One request: who asks, and until when. Everything is scoped to `actor.workspaceId`. */
export interface ServiceContext extends ServiceDependencies {
  readonly actor: Actor
  readonly requestId: string
  readonly signal: AbortSignal
}
