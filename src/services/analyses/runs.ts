import { CatwalkError } from '../../domain/index.ts'
import { startRun, type Run, type RunOptions } from './run.ts'

/** The analyses under way in this program, and those that have just ended. */
export interface AnalysisRuns {
  /**
   * The run that answers this question already, else a new one.
   * @throws CatwalkError `too_many_analyses`
   */
  start(options: Pick<RunOptions, 'id' | 'workspaceId' | 'key' | 'source' | 'work'>): Run
  find(workspaceId: string, id: string): Run | null
}

export interface AnalysisRunsOptions {
  readonly timeoutMs: number
  /** At once, in one workspace. */
  readonly limit?: number
  readonly now: () => Date
  /** Aborted when the program stops. */
  readonly signal: AbortSignal
}

const LIMIT = 3
/** Ended runs are kept so that who was cut off can still read the end. */
const KEPT = 100

export function createAnalysisRuns({
  timeoutMs,
  limit = LIMIT,
  now,
  signal,
}: AnalysisRunsOptions): AnalysisRuns {
  // Oldest first.
  const runs = new Map<string, Run>()

  function makeRoom(): void {
    for (const [id, run] of runs) {
      if (runs.size < KEPT) return
      if (run.outcome !== null) runs.delete(id)
    }
  }

  return {
    start(options) {
      const own = [...runs.values()].filter(
        ({ workspaceId, outcome }) => workspaceId === options.workspaceId && outcome === null,
      )
      const same = own.find(({ key }) => key === options.key)
      if (same !== undefined) return same
      if (own.length >= limit) {
        throw new CatwalkError(
          'too_many_analyses',
          `${own.length} analyses are under way in this workspace.`,
          {
            details: { retryAfterS: 5 },
          },
        )
      }
      makeRoom()
      const run = startRun({ ...options, timeoutMs, now, signal })
      runs.set(run.id, run)
      return run
    },
    find(workspaceId, id) {
      const run = runs.get(id)
      return run?.workspaceId === workspaceId ? run : null
    },
  }
}
