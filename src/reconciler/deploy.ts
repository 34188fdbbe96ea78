import { queries } from '../db/index.ts'
import { CatwalkError, describePackage } from '../domain/index.ts'
import { adopt } from './adopt.ts'
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
    await fail(work, release, launchable, error)
  }
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
