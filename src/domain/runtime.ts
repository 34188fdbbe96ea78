import type { Endpoint, HeldStream } from './endpoint.ts'
import type { LaunchPackage, LaunchSpec, RunSettings, RuntimeKind } from './launch-spec.ts'
import type { LogStream } from './logs.ts'
import type { ServerEra } from './manifest.ts'
import type { NetworkPolicyKind } from './network-policy.ts'
import type { Secret } from './secret.ts'
import type { SessionMemory } from './session-memory.ts'
import type { InstanceTools } from './tool-door.ts'
import type { Trial, TrialInput } from './trial.ts'

/** What a runtime can do. Asked before it is used; a runtime never ignores what it cannot do. */
export interface RuntimeSupport {
  /** Kinds of packages. */
  readonly packages: readonly LaunchPackage['kind'][]
  /** Whether it limits the memory of a server. */
  readonly memoryLimit: boolean
  /** Whether what the server itself prints is in the log. */
  readonly serverLogs: boolean
  readonly networkPolicies: readonly NetworkPolicyKind[]
  /** Whether an instance that sleeps is kept for the next start ({@link Instance.suspend}). */
  readonly suspend: boolean
  /** Whether an instance outlives the program that started it. */
  readonly survivesRestart: boolean
  /** Whether it keeps a home for each person apart ({@link Runtime.keepPeople}). Not there: it does not. */
  readonly people?: boolean
}

/** What installed packages take of this machine's disk. */
export interface StoreUse {
  /** As of the last look; 0 before the first. */
  readonly storeMiB: number
  /** Null for no limit. */
  readonly storeLimitMiB: number | null
  /** How many installations were removed since the program started. */
  readonly evicted: number
}

/** What a runtime takes of this machine's disk. */
export interface DiskUse extends StoreUse {
  readonly homeLimitMiB: number | null
  /** What the homes of each deployment take, in MiB. */
  readonly homes: ReadonlyMap<string, number>
}

/** A runtime that this installation offers. */
export interface RuntimeOffer {
  readonly kind: RuntimeKind
  readonly supports: RuntimeSupport
  readonly status: () => Promise<RuntimeStatus>
  readonly disk?: (signal: AbortSignal) => Promise<DiskUse>
  readonly admit?: (workspaceId: string) => Promise<void>
}

/** Whether the runtime can be used here and now, with the reason and the fix when not. */
export type RuntimeStatus =
  | { readonly ok: true; readonly detail: string }
  | { readonly ok: false; readonly reason: string; readonly fix: string }

/** Receives the output of installs and servers, line by line, in order. Must not throw and must not block. */
export type LineSink = (stream: LogStream, line: string) => void

export interface PrepareInput {
  readonly workspaceId: string
  readonly deploymentId: string
  readonly spec: LaunchSpec
  readonly settings: RunSettings
  /** From an earlier prepare of the same release; null the first time. */
  readonly lockFile: string | null
  readonly output: LineSink
}

export interface Prepared {
  /** npm's package-lock.json as text. Stored in the release; the same lock gives the same files on every node. */
  readonly lockFile: string
  readonly packages: number
  /** Whether everything was in the store already. */
  readonly fromStore: boolean
}

export interface InstanceInput {
  readonly instanceId: string
  readonly workspaceId: string
  readonly deploymentId: string
  readonly releaseId: string
  /** Lease epoch of the holder that starts it; anything of a lower epoch is removed first. */
  readonly epoch: number
  /** Whose process it is, where each person has one: it gets a home that nobody else's process sees. */
  readonly person?: string
  /** A small number that is the deployment's alone on this installation; `local` makes its uid from it. */
  readonly slot: number
  readonly spec: LaunchSpec
  readonly settings: RunSettings
  readonly lockFile: string
  /** By the names of the launch spec's variables. */
  readonly credentials: ReadonlyMap<string, Secret>
  /** 32 bytes under which the bridge seals session tokens; the same for every instance of a deployment. */
  readonly sealKey: Buffer
  /** What the sessions of the deployment leave behind. */
  readonly sessions: SessionMemory
  /** What stands between clients and the server's tools; left out where nobody sets anything. */
  readonly tools?: InstanceTools
  readonly processes: ProcessPolicy
  /** Whether a session ends with the process that served it, because what the server keeps of it is lost then. */
  readonly stateful: boolean
  /** Which eras the server was found to speak; null when that is still to be found out. */
  readonly era: ServerEra | null
  readonly output: LineSink
}

/** Whether sessions share a process of the server. `auto`: those whose clients declare nothing that depends on them. */
export type ProcessPolicy = 'auto' | 'shared' | 'per-session'

export interface InstanceEnd {
  /** `home_full`: ended because its home took more than it may. */
  readonly reason: 'stopped' | 'exited' | 'out_of_memory' | 'home_full'
  readonly exitCode: number | null
  readonly signal: string | null
}

/** One running copy of a release. */
export interface Instance {
  readonly id: string
  readonly endpoint: Endpoint
  /** Settles once, when the server ended by itself or was stopped. Never rejects. */
  readonly ended: Promise<InstanceEnd>
  /** Lets go of the streams of sessions that clients listen on without ending them, for whoever keeps them meanwhile. */
  release(): readonly HeldStream[]
  /**
   * Forgets its sessions until their tokens come back, as the next instance would not know them. For whoever keeps the
   * process asleep: what became of a session meanwhile is not known to it.
   */
  forgetSessions?(): void
  /**
   * How long nobody has used it, in milliseconds; null while something is under way that its end would cut: a call, a
   * question to a client, a subscription to a resource, a task.
   */
  idleMs(): number | null
  /**
   * Resolves when the server has shown that it is there: its first request was answered, or a ping. Is not use.
   * @throws CatwalkError `server_silent`, `server_exited`, `server_not_mcp`, `server_refused`
   */
  check(signal: AbortSignal): Promise<void>
  /** How many processes it is made of now, each with the memory limit to itself; one when it does not say. */
  processes?(): number
  /** Ends it: drains for at most `graceMs`, then kills the whole process group. Idempotent. */
  stop(graceMs: number): Promise<void>
  /**
   * Ends it like {@link Instance.stop}, in such a way that the next start of the same release with the same values goes on
   * with what is left of it. There when `supports.suspend`. Never rejects.
   */
  suspend?(graceMs: number): Promise<void>
}

/** Where instances run. One contract suite (test/contract/runtime.ts) runs against every implementation. */
export interface Runtime {
  readonly kind: RuntimeKind
  readonly supports: RuntimeSupport
  status(signal: AbortSignal): Promise<RuntimeStatus>
  /**
   * For how long what it runs servers on has not answered, in milliseconds; null when it answers. What fails meanwhile says
   * nothing of a server. Not there: it waits for that itself, or needs nobody.
   */
  awayMs?(signal: AbortSignal): Promise<number | null>
  /**
   * Resolves, locks and installs what the release needs. Idempotent, safe to be killed at any moment.
   * @throws CatwalkError `install_failed`, `install_timeout`, `no_executable`, `package_not_found`, `sandbox_unavailable`
   */
  prepare(input: PrepareInput, signal: AbortSignal): Promise<Prepared>
  /**
   * Starts one instance. Returns as soon as the process runs; whether it speaks MCP is for `endpoint.probe` to say.
   * @throws CatwalkError `sandbox_unavailable`, `server_exited`
   */
  start(input: InstanceInput, signal: AbortSignal): Promise<Instance>
  /**
   * Installs a package and starts it a few times without a network, to see what it offers and what it demands. Nothing of
   * a trial is left but the installation. What is wrong with the server is in the proof, not thrown.
   * @throws CatwalkError `sandbox_unavailable`
   */
  tryOut(input: TrialInput, signal: AbortSignal): Promise<Trial>
  /**
   * Removes what it keeps for a deployment besides the store: home and data directory. Idempotent.
   * @param workspaceId for runtimes where workspaces have accounts of their own; they know it while they run it
   */
  purge(deploymentId: string, signal: AbortSignal, workspaceId?: string): Promise<void>
  /** Removes what sleeps of a deployment, not what runs. There when `supports.suspend`. Idempotent. */
  discard?(deploymentId: string, workspaceId: string, signal: AbortSignal): Promise<void>
  /**
   * Whether a workspace has given all that the runtime needs of it. Not there: it needs nothing.
   * @throws CatwalkError `runtime_unavailable` with what is missing
   */
  readonly admit?: (workspaceId: string) => Promise<void>
  /** What it takes of this machine's disk. There where that is limited. */
  readonly disk?: (signal: AbortSignal) => Promise<DiskUse>
  /** What is known of its store without looking. */
  readonly storeUse?: () => StoreUse
  /**
   * Removes what it keeps for people of a deployment that are not among these. There when `supports.people`. Idempotent.
   */
  keepPeople?(deploymentId: string, people: ReadonlySet<string>, signal: AbortSignal): Promise<void>
}
