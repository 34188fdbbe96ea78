import { queries } from '../db/index.ts'
import {
  anySignal,
  CatwalkError,
  changesNothing,
  compareTrials,
  summariseTrial,
  type FoundVersion,
  type Logger,
  type UpdateTrial,
  type VersionFinder,
} from '../domain/index.ts'

export interface UpdateChecksOptions {
  readonly db: queries.Handle
  readonly versions: VersionFinder
  /** Between two looks at one deployment; 0: only when somebody asks. */
  readonly everyMs: number
  /** Default: 15 s. */
  readonly lookMs?: number
  /** From 0 up to 1. */
  readonly random: () => number
  readonly logger: Logger
}

export interface UpdateChecks extends AsyncDisposable {
  /** Looks now whether a check is due. */
  poke(): void
}

const LOOK_MS = 15_000
/** Less than the lease. */
const CHECK_LIMIT_MS = 900_000
const RETRY_S = 300
const DAY_S = 86_400

/**
 * Looks for newer versions of what deployments run, and tries them out before anybody installs them. One check at a time
 * on each replica, one replica for each deployment. Disposing it gives up what is under way; it is due again.
 */
export function startUpdateChecks(options: UpdateChecksOptions): UpdateChecks {
  const { db, everyMs, logger } = options
  const ending = new AbortController()
  let looking: Promise<void> | null = null
  let lookAgain = false

  async function look(): Promise<void> {
    try {
      if (everyMs > 0) await queries.enterUpdates(db, everyMs / 1000)
      do {
        lookAgain = false
        for (;;) {
          const claimed = ending.signal.aborted ? null : await queries.claimUpdate(db, everyMs > 0)
          if (claimed === null) break
          await check(options, claimed, ending.signal)
        }
      } while (lookAgain)
    } catch (error) {
      logger.error({ err: error }, 'updates could not be looked for')
    }
    looking = null
  }

  const poke = (): void => {
    if (ending.signal.aborted) return
    lookAgain = true
    looking ??= look()
  }
  const timer = setInterval(poke, options.lookMs ?? LOOK_MS)
  poke()
  return {
    poke,
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      ending.abort()
      await looking
    },
  }
}

async function check(
  options: UpdateChecksOptions,
  claimed: queries.ClaimedUpdate,
  ended: AbortSignal,
): Promise<void> {
  const { db, versions, logger } = options
  const { deploymentId, workspaceId } = claimed
  const subject = await queries.readUpdateSubject(db, deploymentId)
  if (subject === null) return
  const { launchSpec } = subject
  const { package: base } = launchSpec
  const limit = AbortSignal.timeout(CHECK_LIMIT_MS)
  const signal = anySignal([ended, limit])
  try {
    const found = await versions.newest(workspaceId, base, subject.tracked, signal)
    let trial: UpdateTrial | null = null
    if (found !== null) {
      trial = subject.before?.version === found.version ? subject.before.trial : null
      if (trial === null) {
        if (!(await queries.saveFound(db, claimed, base, found))) return
        await queries.announce(db, 'feed', deploymentId)
        trial = await tryOut(versions, workspaceId, subject, found, signal)
      }
    }
    await finish(options, claimed, subject, found === null ? null : { ...found, trial })
  } catch (error) {
    if (ended.aborted) return await queries.dropUpdate(db, claimed)
    const isKnown = error instanceof CatwalkError
    logger.warn(
      { err: isKnown ? error.message : error, deployment: deploymentId },
      'an update could not be looked for',
    )
    const message = limit.aborted
      ? 'It took too long.'
      : isKnown
        ? error.message
        : 'Something went wrong in Catwalk.'
    await queries.failUpdate(db, claimed, base, message, retryInSeconds(options, claimed.failures))
    await queries.announce(db, 'feed', deploymentId)
  }
}

/**
 * What the version offers, beside what serves. What serves was probed with its values; only when that differs is it tried
 * out the same way, without them, so that what is told is what the version changes.
 */
async function tryOut(
  versions: VersionFinder,
  workspaceId: string,
  { launchSpec, settings, manifest }: queries.UpdateSubject,
  found: FoundVersion,
  signal: AbortSignal,
): Promise<UpdateTrial> {
  const { memoryMiB } = settings
  const given = new Set(launchSpec.variables.map(({ name }) => name.replace(/^arg:/, '')))
  const next = { ...launchSpec, package: found.package }
  const trial = await versions.tryOut(workspaceId, next, memoryMiB, signal)
  const recorded = compareTrials({ manifest, failure: null, requires: [] }, trial, given)
  if (trial.manifest !== null && changesNothing(recorded)) return recorded
  const before = await versions.tryOut(workspaceId, launchSpec, memoryMiB, signal)
  // What wants values of its owner to start at all is better compared with what it offered with them than not at all.
  return before.manifest === null && trial.manifest !== null && manifest !== null
    ? compareTrials({ ...before, manifest }, trial, given)
    : compareTrials(before, trial, given)
}

async function finish(
  { db, everyMs, random }: UpdateChecksOptions,
  claimed: queries.ClaimedUpdate,
  { launchSpec, told }: queries.UpdateSubject,
  found: (FoundVersion & { readonly trial: UpdateTrial | null }) | null,
): Promise<void> {
  const { deploymentId, workspaceId } = claimed
  const everySeconds = everyMs === 0 ? DAY_S : everyMs / 1000
  const nextInSeconds = everySeconds * (0.75 + random() / 2)
  const version = found?.version ?? told
  await db.transaction().execute(async (tx) => {
    const isOurs = await queries.finishUpdate(tx, claimed, launchSpec.package, found, {
      told: version,
      nextInSeconds,
    })
    if (!isOurs) return
    if (found !== null && version !== told) {
      const summary = found.trial === null ? '' : ` ${summariseTrial(found.trial)}`
      await queries.insertEvent(tx, {
        workspaceId,
        deploymentId,
        releaseId: null,
        kind: 'update.found',
        message: `Version ${found.version} is available.${summary}`,
        data: { version: found.version },
      })
    }
    await queries.announce(tx, 'feed', deploymentId)
  })
}

/** A random part of it, so that what failed together does not come back together. */
function retryInSeconds({ everyMs, random }: UpdateChecksOptions, failures: number): number {
  const longest = everyMs === 0 ? DAY_S : everyMs / 1000
  return Math.min(longest, RETRY_S * 2 ** Math.min(failures, 12)) * (0.5 + random() / 2)
}
