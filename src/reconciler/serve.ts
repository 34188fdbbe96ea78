import { isDeepStrictEqual } from 'node:util'
import { queries } from '../db/index.ts'
import { anySignal, CatwalkError, diskFull, type Instance, type Redactor } from '../domain/index.ts'
import { adopt, countFailure } from './adopt.ts'
import { runtimeAwayMs } from './away.ts'
import {
  awaitAnswer,
  install,
  isPersonal,
  makeLaunchable,
  startInstance,
  StartFailed,
  type Launchable,
} from './launch.ts'
import { backOffMs } from './plan.ts'
import { record, tell, type Work } from './record.ts'

/** It was installed when it went live, perhaps on another node. */
async function startInstalled({ deps, lease, signal }: Work, launchable: Launchable): Promise<Instance> {
  const { lock_file: known } = launchable.release
  if (known !== null) {
    try {
      return await startInstance(deps, launchable, lease, known, signal)
    } catch (error) {
      if (!(error instanceof CatwalkError) || error.code !== 'install_failed') throw error
    }
  }
  const { lockFile } = await install(launchable, signal)
  return startInstance(deps, launchable, lease, lockFile, signal)
}

/** What it offers may depend on more than its release. Callers are not kept waiting for it. */
async function noteOffers(
  { deps, lease, deployment, signal }: Work,
  release: queries.ReleaseRow,
  { endpoint }: Instance,
): Promise<void> {
  try {
    const limit = anySignal([signal, AbortSignal.timeout(deps.probeTimeoutMs)])
    const [offered, recorded] = await Promise.all([
      endpoint.probe(limit),
      queries.recordedManifest(deps.db, deployment.id),
    ])
    deps.tools(deployment.id, release.id).saw(offered.tools)
    if (recorded === null || isDeepStrictEqual(offered, recorded.manifest)) return
    await deps.db.transaction().execute(async (tx) => {
      await queries.fence(tx, lease)
      await queries.saveSeenManifest(tx, release.id, offered)
      await queries.announce(tx, 'deployment', deployment.id)
    })
  } catch (error) {
    // It was found to answer; the next health check says whether it still does.
    deps.logger.debug({ deployment: deployment.id, err: error }, 'what it offers could not be looked at')
  }
}

/** Starts an instance of the live release, because there is none or another one is wanted. */
export async function serve(work: Work, release: queries.ReleaseRow): Promise<void> {
  const { deps, deployment, signal } = work
  let redact: Redactor | null = null
  try {
    const launchable = await makeLaunchable(deps, deployment, release, signal)
    redact = launchable.redact
    await deps.checkpoint('deployment.serving')
    const instance = await startInstalled(work, launchable)
    await deps.checkpoint('deployment.waking')
    await awaitAnswer(deps, instance, async (limit) => instance.check(limit), signal)
    await adopt(work, instance, release.id, (tx) =>
      tell(tx, work, release.id, 'instance.ready', 'Started and answering.'),
    )
    if (!isPersonal(release)) await noteOffers(work, release, instance)
  } catch (error) {
    if (signal.aborted || error instanceof queries.LeaseLost) throw error
    const thrown = error instanceof StartFailed ? error.cause : error
    const cause = diskFull(thrown) ?? thrown
    // Only messages of the catalogue are public, and a server's own words may hold what it was given.
    const reason = cause instanceof CatwalkError ? cause.message : 'Catwalk could not go on.'
    const end = error instanceof StartFailed ? error.end : null
    deps.logger.warn({ deployment: deployment.id, err: cause }, 'the live release could not be started')
    const { runtime } = release.settings
    const isAway = (await runtimeAwayMs(work, runtime)) !== null
    if (isAway)
      deps.instances.fail(deployment.id, new CatwalkError('wake_failed', `${runtime} does not answer.`))
    const failures = failuresAfter(deployment.failures, cause, isAway)
    // Told already.
    if (isAway && failures === deployment.failures)
      return record(work, backOffMs(failures), async () => undefined)
    await countFailure(
      work,
      release.id,
      `It could not be started: ${redact?.(reason) ?? reason}`,
      failures,
      end,
    )
  }
}

/**
 * What is away for long is no crash loop. A server elsewhere is asked again, once a minute, until it is back; what runs
 * servers here costs nothing to ask.
 */
function failuresAfter(before: number, cause: unknown, isRuntimeAway: boolean): number {
  if (isRuntimeAway) return Math.min(before + 1, Math.max(before, MOST_WITHOUT_RUNTIME))
  const isAway = cause instanceof CatwalkError && cause.code === 'remote_unavailable'
  return isAway ? Math.min(before + 1, MOST_WHILE_AWAY) : before + 1
}

/** The waits between attempts have their full length then, and it is not given up. */
const MOST_WHILE_AWAY = 8
/** The waits are 8 s then. */
const MOST_WITHOUT_RUNTIME = 5
