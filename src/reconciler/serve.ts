import { queries } from '../db/index.ts'
import { CatwalkError, type Redactor } from '../domain/index.ts'
import { adopt, countFailure } from './adopt.ts'
import { install, makeLaunchable, probeInstance, startInstance, StartFailed } from './launch.ts'
import { tell, type Work } from './record.ts'

/** Starts an instance of the live release, because there is none or another one is wanted. */
export async function serve(work: Work, liveReleaseId: string): Promise<void> {
  const { deps, lease, deployment, signal } = work
  let redact: Redactor | null = null
  try {
    const release = await queries.findRelease(deps.db, liveReleaseId)
    const launchable = await makeLaunchable(deps, deployment, release)
    redact = launchable.redact
    const { lockFile } = await install(launchable, signal)
    await deps.checkpoint('deployment.serving')
    const instance = await startInstance(deps, launchable, lease, lockFile, signal)
    await probeInstance(deps, instance, signal)
    await adopt(work, instance, release.id, (tx) =>
      tell(tx, work, release.id, 'instance.ready', 'Started and answering.'),
    )
  } catch (error) {
    if (signal.aborted || error instanceof queries.LeaseLost) throw error
    const cause = error instanceof StartFailed ? error.cause : error
    // Only messages of the catalogue are public, and a server's own words may hold what it was given.
    const reason = cause instanceof CatwalkError ? cause.message : 'Catwalk could not go on.'
    const end = error instanceof StartFailed ? error.end : null
    deps.logger.warn({ deployment: deployment.id, err: cause }, 'the live release could not be started')
    await countFailure(
      work,
      liveReleaseId,
      `It could not be started: ${redact?.(reason) ?? reason}`,
      deployment.failures + 1,
      end,
    )
  }
}
