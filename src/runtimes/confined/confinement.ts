import type { RuntimeStatus } from '../../domain/index.ts'
import type { ConfinedCommand } from './command.ts'
import type { ConfinedProcess } from './process.ts'

/** Runs programs confined: what the runtimes that run servers on this machine differ in. */
export interface Confinement {
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
}
