import type { ParsedInput, RouteOutput } from '../../contract/index.ts'
import type { ServiceContext } from '../context.ts'
import { GRACE_MS } from './create.ts'
import { errorOf, findStored } from './read.ts'
import { presentAnalysis } from './present.ts'
import type { Run } from './run.ts'

type Feed = RouteOutput<'streamAnalysis'>

type FeedItem = {
  [E in keyof Feed]-?: { readonly id: string; readonly event: E; readonly data: NonNullable<Feed[E]> }
}[keyof Feed]

/**
 * Follows an analysis: each step as it begins and again as it ends, then the analysis or the error. With the id of an
 * item it goes on after it. Keeps the analysis alive.
 * @throws CatwalkError `analysis_not_found`
 */
export async function streamAnalysis(
  ctx: ServiceContext & { readonly lastEventId: string | null },
  { params }: ParsedInput<'streamAnalysis'>,
): Promise<AsyncIterable<FeedItem>> {
  const run = ctx.analyses.find(ctx.actor.workspaceId, params.id)
  if (run !== null) return follow(run, Number(/^\d{1,6}$/.exec(ctx.lastEventId ?? '')?.[0] ?? 0), ctx.signal)
  return only(presentAnalysis(await findStored(ctx, params.id), { cached: true, snippet: null }))
}

async function* follow(run: Run, seen: number, signal: AbortSignal): AsyncGenerator<FeedItem, void, void> {
  const leave = run.follow()
  const gone = Promise.withResolvers<void>()
  const onAbort = () => gone.resolve()
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    let number = seen
    while (!signal.aborted) {
      const changed = run.changed()
      const { outcome } = run
      // Two items a step: its beginning and its end.
      const items = run.steps.flatMap((step) => [
        { ...step, endedAt: null },
        ...(step.endedAt === null ? [] : [step]),
      ])
      for (const data of items.slice(number)) {
        number += 1
        yield { id: String(number), event: 'step', data }
      }
      if (outcome !== null) {
        yield last(outcome)
        return
      }
      await Promise.race([changed, gone.promise])
    }
  } finally {
    signal.removeEventListener('abort', onAbort)
    leave(GRACE_MS)
  }
}

function last(outcome: NonNullable<Run['outcome']>): FeedItem {
  return outcome.kind === 'done'
    ? { id: 'end', event: 'analysis', data: outcome.analysis }
    : { id: 'end', event: 'failed', data: errorOf(outcome.error) }
}

async function* only(analysis: NonNullable<Feed['analysis']>): AsyncGenerator<FeedItem, void, void> {
  yield { id: 'end', event: 'analysis', data: analysis }
}
