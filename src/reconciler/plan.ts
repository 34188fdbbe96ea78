import { isCrashLooping, isInProgress, type DesiredState, type ReleaseState } from '../domain/index.ts'

/** What the reconciler sees of a deployment when it looks at it. */
export interface Situation {
  readonly desired: DesiredState
  readonly restartCount: number
  readonly newest: { readonly id: string; readonly state: ReleaseState }
  readonly liveReleaseId: string | null
  /** Whether it waits for a call, and whether its owner wants it to run without one. */
  readonly asleep: boolean
  readonly alwaysOn: boolean
  /** How often in a row an instance ended or did not come up. */
  readonly failures: number
  /** The instance that this node runs, if any. */
  readonly running: { readonly releaseId: string; readonly restartCount: number } | null
}

/** The one thing to do next. */
export type Step =
  | { readonly kind: 'remove' }
  | { readonly kind: 'halt' }
  | { readonly kind: 'deploy' }
  | { readonly kind: 'serve'; readonly releaseId: string }
  | { readonly kind: 'rest' }

/** Decides from what is and what should be, and from nothing else, so that it can be asked again at any moment. */
export function plan(situation: Situation): Step {
  const { desired, newest, liveReleaseId, running, restartCount } = situation
  if (desired === 'deleted') return { kind: 'remove' }
  if (desired === 'stopped') return { kind: 'halt' }
  if (isInProgress(newest.state)) return { kind: 'deploy' }
  if (liveReleaseId === null) return running === null ? { kind: 'rest' } : { kind: 'halt' }
  if (running === null && situation.asleep && !situation.alwaysOn) return { kind: 'rest' }
  if (running === null && isCrashLooping({ hasLiveRelease: true, failures: situation.failures }))
    return { kind: 'rest' }
  const serves = running?.releaseId === liveReleaseId && running.restartCount === restartCount
  return serves ? { kind: 'rest' } : { kind: 'serve', releaseId: liveReleaseId }
}

const FIRST_DELAY_MS = 1000
const LONGEST_DELAY_MS = 60_000

/** How long to wait before the next start after so many failures in a row: at once, then 1 s, 2 s, 4 s … 60 s. */
export function backOffMs(failures: number): number {
  return failures <= 1 ? 0 : Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (failures - 2))
}
