export type ReleaseState =
  'pending' | 'installing' | 'starting' | 'probing' | 'live' | 'superseded' | 'failed'

/** What the owner wants; written by services only. */
export type DesiredState = 'running' | 'stopped' | 'deleted'

/** What a deployment shows. Derived, never stored. */
export type DeploymentState =
  'deploying' | 'running' | 'sleeping' | 'unhealthy' | 'stopped' | 'failed' | 'deleting'

const NEXT: Readonly<Record<ReleaseState, readonly ReleaseState[]>> = {
  pending: ['installing', 'superseded', 'failed'],
  // Back to pending: taken up again after the program that drove it ended.
  installing: ['starting', 'pending', 'superseded', 'failed'],
  starting: ['probing', 'pending', 'superseded', 'failed'],
  probing: ['live', 'pending', 'superseded', 'failed'],
  live: ['superseded'],
  superseded: [],
  failed: [],
}

/** Whether a release may go from one state to another. Trying a failed one again makes a new release. */
export function canMove(from: ReleaseState, to: ReleaseState): boolean {
  return NEXT[from].includes(to)
}

/** Whether the reconciler still has steps to do for a release in this state. */
export function isInProgress(state: ReleaseState): boolean {
  return state === 'pending' || state === 'installing' || state === 'starting' || state === 'probing'
}

export interface DeploymentFacts {
  readonly desired: DesiredState
  /** State of the newest release. */
  readonly newest: ReleaseState
  readonly hasLiveRelease: boolean
  /** Whether an instance of the live release answered its last health check. */
  readonly instanceReady: boolean
  /** Whether an instance of the live release runs and does not answer its health check. */
  readonly instanceSilent: boolean
  /** Whether the machine that has its data is gone. */
  readonly nodeLost: boolean
  /** Whether it is without an instance because nobody called for a while. */
  readonly asleep: boolean
  /** How often in a row an instance of the live release ended or did not come up. */
  readonly failures: number
}

/** After so many failures in a row an instance is not started again until its owner asks for it: a crash loop. */
const CRASH_LOOP_FAILURES = 10

/** Whether Catwalk has given up starting the live release. */
export function isCrashLooping({
  hasLiveRelease,
  failures,
}: Pick<DeploymentFacts, 'hasLiveRelease' | 'failures'>): boolean {
  return hasLiveRelease && failures >= CRASH_LOOP_FAILURES
}

/**
 * The one state that a deployment shows. A deployment whose live release serves is `running` even while a newer
 * release is being deployed, because its endpoint answers.
 */
export function deploymentState(facts: DeploymentFacts): DeploymentState {
  if (facts.desired === 'deleted') return 'deleting'
  if (facts.desired === 'stopped') return 'stopped'
  if (facts.nodeLost && !facts.instanceReady) return 'unhealthy'
  if (!facts.hasLiveRelease) return isInProgress(facts.newest) ? 'deploying' : 'failed'
  if (facts.instanceReady) return 'running'
  if (facts.asleep) return 'sleeping'
  if (isCrashLooping(facts)) return 'failed'
  return facts.failures === 0 && !facts.instanceSilent ? 'deploying' : 'unhealthy'
}
