import type { UpgradeStep } from '../db/index.ts'
import type { Checkpoint } from '../reconciler/index.ts'

/** Stops the program at the named step, for a test that kills it there. Null never stops. */
export function pauseAt(
  name: string | null,
): (at: Checkpoint | UpgradeStep | 'keys.rewrapped') => Promise<void> {
  return async (at) => {
    if (at !== name) return
    process.stdout.write(`Paused at ${at}\n`)
    await new Promise<never>(() => {})
  }
}
