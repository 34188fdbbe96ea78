import { queries } from '../db/index.ts'
import type { Runtime } from '../domain/index.ts'
import type { Work } from './record.ts'
import { anySignal } from '../domain/index.ts'

const LIMIT_MS = 30_000

/**
 * Removes what sleeps of the release that was live when the work began, where nobody will wake it any more. A runtime that
 * cannot be reached keeps it until the deployment starts there again, or is deleted. Rejects only when the work is given up.
 * @param now what the deployment runs on from now on, which looks after its own; null: nothing
 */
export async function discardSleeping(
  { deps, deployment, signal }: Work,
  now: Runtime | null,
): Promise<void> {
  if (deployment.live_release_id === null) return
  const { settings } = await queries.findRelease(deps.db, deployment.live_release_id)
  const runtime = deps.runtimes.get(settings.runtime)
  if (runtime?.discard === undefined || runtime === now) return
  try {
    const limit = anySignal([signal, AbortSignal.timeout(LIMIT_MS)])
    await runtime.discard(deployment.id, deployment.workspace_id, limit)
  } catch (error) {
    signal.throwIfAborted()
    deps.logger.warn({ deployment: deployment.id, err: error }, 'what sleeps of it could not be removed')
  }
}
