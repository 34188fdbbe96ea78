import type { ParsedInput, RouteOutput } from '../../contract/index.ts'
import type { ServiceContext } from '../context.ts'
import { startAnalysing } from './analyse.ts'
import { presentRun } from './read.ts'
import type { Analysis, Run } from './run.ts'

/** Somebody who follows from afar may need a moment to come back. */
export const GRACE_MS = 10_000

/**
 * Finds out what a source is, before anything is deployed. Ends with the caller, unless somebody else waits as well.
 * @throws CatwalkError those of {@link startAnalysing}, `analysis_timeout`, and what kept the source from being had
 */
export async function createAnalysis(
  ctx: ServiceContext,
  { body }: ParsedInput<'createAnalysis'>,
): Promise<RouteOutput<'createAnalysis'>> {
  return waitForRun(ctx, startAnalysing(ctx, body))
}

/** The analysis once it is done. @throws CatwalkError what kept it from being made; the signal's reason */
export async function waitForRun(ctx: Pick<ServiceContext, 'signal'>, run: Run): Promise<Analysis> {
  const leave = run.follow()
  const gone = Promise.withResolvers<void>()
  const onAbort = () => gone.resolve()
  ctx.signal.addEventListener('abort', onAbort, { once: true })
  try {
    await Promise.race([run.ended, gone.promise])
  } finally {
    ctx.signal.removeEventListener('abort', onAbort)
    leave(0)
  }
  ctx.signal.throwIfAborted()
  if (run.outcome?.kind === 'done') return run.outcome.analysis
  throw run.outcome?.error ?? new Error('An analysis ended without an outcome.')
}

/**
 * The same without waiting.
 * @throws CatwalkError those of {@link startAnalysing}
 */
export async function startAnalysis(
  ctx: ServiceContext,
  { body }: ParsedInput<'startAnalysis'>,
): Promise<RouteOutput<'startAnalysis'>> {
  const run = startAnalysing(ctx, body)
  // Whoever asked is about to open the feed.
  run.follow()(GRACE_MS)
  return presentRun(run)
}
