import { queries } from '../db/index.ts'
import { CatwalkError, describePackage } from '../domain/index.ts'
import { adopt } from './adopt.ts'
import { runtimeAwayMs } from './away.ts'
import { discardSleeping } from './discard.ts'
import { postMortem } from './failure.ts'
import {
  install,
  lacksAccount,
  makeLaunchable,
  probeInstance,
  startInstance,
  StartFailed,
  type Launchable,
} from './launch.ts'
import { accountNeeded } from './refusing.ts'
import { advance, record, tell, type Work } from './record.ts'

/** Drives the newest release from wherever it stands to live or failed. */
export async function deploy(work: Work, newest: queries.ReleaseRow): Promise<void> {
  const { deps, lease, deployment, signal } = work
  let release = newest
  let launchable: Launchable | null = null
  // Told when it was first missed.
  if (release.state !== 'pending' && (await isAwayForNow(work, release)))
    return record(work, AWAY_RETRY_MS, async () => undefined)
  try {
    if (release.state !== 'pending') release = await advance(work, release, 'pending', 'Taken up again.')
    launchable = await makeLaunchable(deps, deployment, release, signal)
    if (launchable.disconnected.length > 0) throw accountNeeded(deps.publicUrl, deployment)
    const { package: pkg } = release.launch_spec
    const { name, version } = describePackage(pkg)
    const what = pkg.kind === 'remote' ? `It runs at ${name}.` : `Installing ${name} ${version}.`
    release = await advance(work, release, 'installing', what, (tx) => queries.supersedeOlder(tx, release))
    await deps.checkpoint('release.installing')
    const installed = await measured(deps, 'installing', install(launchable, signal))
    await deps.checkpoint('release.installed')
    release = await advance(work, release, 'starting', installed.message, (tx) =>
      queries.saveLockFile(tx, release.id, installed.lockFile),
    )
    await deps.checkpoint('release.starting')
    const starting = startInstance(deps, launchable, lease, installed.lockFile, signal)
    const instance = await measured(deps, 'starting', starting)
    try {
      await deps.checkpoint('release.started')
      release = await advance(work, release, 'probing', 'Started. Asking for its tools.')
    } catch (error) {
      await instance.stop(0)
      throw error
    }
    const manifest = await measured(deps, 'probing', probeInstance(deps, instance, signal))
    await deps.checkpoint('release.probed')
    const count = manifest.tools.length
    await adopt(work, instance, release.id, async (tx) => {
      await queries.markLive(tx, lease, release.id, manifest)
      const message = `Live with ${count} ${count === 1 ? 'tool' : 'tools'}.`
      await tell(tx, work, release.id, 'release.state', message, { state: 'live', tools: count })
    })
    await deps.checkpoint('release.live')
    await discardSleeping(work, launchable.runtime)
  } catch (error) {
    if (signal.aborted || error instanceof queries.LeaseLost) throw error
    // Says nothing of the release. It is taken up again.
    if (error instanceof CatwalkError && error.code === 'database_unreachable') throw error
    if (release.state !== 'pending' && (await isAwayForNow(work, release))) {
      deps.logger.info({ release: release.id, err: error }, 'release waits for its runtime')
      const message = `${release.settings.runtime} does not answer. It is waited for.`
      const { id, state } = release
      return record(work, AWAY_RETRY_MS, (tx) => tell(tx, work, id, 'release.state', message, { state }))
    }
    await fail(work, release, launchable, error)
  }
}

/** What servers run on may be away for a minute without a release failing, and as long again to be found back. */
const PATIENCE_MS = 120_000
/** How often it is asked meanwhile. Others are not kept waiting by it. */
const AWAY_RETRY_MS = 2_000

/** Whether what runs the release does not answer, and has not been away for too long to wait for it. */
async function isAwayForNow(work: Work, { settings }: queries.ReleaseRow): Promise<boolean> {
  const awayMs = await runtimeAwayMs(work, settings.runtime)
  return awayMs !== null && awayMs < PATIENCE_MS
}

async function measured<T>(
  { metrics }: Work['deps'],
  step: 'installing' | 'starting' | 'probing',
  work: Promise<T>,
): Promise<T> {
  const startedAt = performance.now()
  let outcome: 'done' | 'failed' = 'failed'
  try {
    const result = await work
    outcome = 'done'
    return result
  } finally {
    metrics.reconcilerStep({ step, outcome, durationMs: performance.now() - startedAt })
  }
}

async function fail(
  work: Work,
  release: queries.ReleaseRow,
  launchable: Launchable | null,
  error: unknown,
): Promise<void> {
  const { deps } = work
  const cause = error instanceof StartFailed ? error.cause : error
  await deps.logs.flush()
  const failure = await postMortem(deps.db, release, {
    error: cause,
    end: error instanceof StartFailed ? error.end : null,
    given: new Set([...(launchable?.credentials.keys() ?? []), ...(release.settings.personal ?? [])]),
    redact: launchable?.redact ?? ((text) => text),
  })
  deps.logger.info({ release: release.id, code: failure.code, err: cause }, 'release failed')
  // Looked at once more right away: a live release, if there is one, must go on serving.
  await record(work, 0, async (tx) => {
    // Connected in the meantime: it is tried again instead.
    if (failure.code === 'account_needed' && !(await lacksAccount(tx, release))) return
    await queries.moveRelease(tx, release, 'failed', { error: failure })
    await tell(tx, work, release.id, 'release.state', failure.message, {
      state: 'failed',
      error: failure.code,
    })
  })
}
