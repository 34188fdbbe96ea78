import type {
  Actor,
  CallRecord,
  Clock,
  EndpointDirectory,
  MemoryPrice,
  NoticeSender,
  Quotas,
  RuntimeOffer,
  ServiceKeys,
  SourceAnalyzer,
  TokenEndpoints,
  VersionFinder,
} from '../domain/index.ts'
import type { queries } from '../db/index.ts'
import type { AnalysisRuns } from './analyses/runs.ts'
import type { Vault } from '../vault/index.ts'

/** Tells a listener that something about a deployment changed. */
export interface Changes {
  /** Calls `listener` after each change until the returned function is called. */
  subscribe(deploymentId: string, listener: () => void): () => void
}

/** Facts about this installation that everybody in it may know. */
export interface InstallationFacts {
  readonly version: string
  /** Whether the public URL, as it is written, leads anybody else but this machine here. */
  readonly reachable: 'this_machine' | 'network'
  readonly unsandboxed: boolean
  /** The first is where deployments run that choose none. Empty: nothing can be run. */
  readonly runtimes: readonly RuntimeOffer[]
}

/** What every use case may rely on; the same for all requests. */
export interface ServiceDependencies {
  readonly db: queries.Handle
  readonly vault: Vault
  readonly versions: VersionFinder
  readonly serviceKeys: ServiceKeys
  readonly tokenEndpoints: TokenEndpoints
  readonly analyzer: SourceAnalyzer
  readonly analyses: AnalysisRuns
  readonly endpoints: EndpointDirectory
  /** Has due registries asked soon, in the background. Must not throw and must not wait. */
  readonly pokeRegistries: () => void
  readonly notices: Pick<NoticeSender, 'check'>
  /** Has notices sent that somebody asked for, likewise. */
  readonly pokeNotices: () => void
  /** Has updates looked for that somebody asked for, likewise. */
  readonly pokeUpdates: () => void
  readonly changes: Changes
  /** Keeps who called what. Must not throw and must not wait. */
  readonly record: (call: CallRecord) => void
  readonly clock: Clock
  /** Origin without a trailing slash. */
  readonly publicUrl: string
  readonly defaultMemoryMiB: number
  /** Null where whoever runs the installation set none. */
  readonly memoryPrice: MemoryPrice | null
  /** What every workspace may use unless it has quotas of its own. */
  readonly quotas: Quotas
  readonly installation: InstallationFacts
}

/** One request: who asks, and until when. Everything is scoped to `actor.workspaceId`. */
export interface ServiceContext extends ServiceDependencies {
  readonly actor: Actor
  readonly requestId: string
  readonly signal: AbortSignal
}
