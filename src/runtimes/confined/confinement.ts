import type { RuntimeStatus } from '../../domain/index.ts'
import type { ConfinedCommand } from './command.ts'
import type { ConfinedProcess } from './process.ts'

/** Images that programs can run in. */
export interface Images {
  has(reference: string, signal: AbortSignal): Promise<boolean>
  /**
   * Brings an image here.
   * @throws CatwalkError `install_failed`, `sandbox_unavailable`
   */
  pull(reference: string, signal: AbortSignal): Promise<void>
}

/** Runs programs confined: what the runtimes that run servers on this machine differ in. */
export interface Confinement {
  /** Not there: it runs no programs in images of their own. */
  readonly images?: Images
  /** Tries a sandbox; the answer is kept once it is good. */
  status(signal: AbortSignal): Promise<RuntimeStatus>
  /**
   * Starts a program. `onRefused` hears of connections that it was refused.
   * @throws CatwalkError `sandbox_unavailable`
   */
  run(
    command: ConfinedCommand,
    onRefused: (target: string, reason: string) => void,
    signal: AbortSignal,
  ): Promise<ConfinedProcess>
  /** As `Runtime.awayMs`. Not there: it needs nobody. */
  awayMs?(signal: AbortSignal): Promise<number | null>
}
