import { CatwalkError, type Analysis, type SnippetTarget } from '../../domain/index.ts'
import { resolveSource, startAnalysing } from '../analyses/analyse.ts'
import { waitForRun } from '../analyses/create.ts'
import { findStored } from '../analyses/read.ts'
import type { ServiceContext } from '../context.ts'
import type { Wish } from './plan.ts'

export interface What {
  readonly analysis: Analysis
  /** Canonical and pinned: what the deployment says it was made from. */
  readonly source: string
  /** Canonical, as it was asked for. */
  readonly tracked: string
  /** Null when the source was no snippet. Values may be secrets. */
  readonly snippet: SnippetTarget | null
}

/**
 * What is to be deployed: what an analysis found, or a source that is analysed now, without a trial start, which the
 * deployment makes itself. A snippet given beside an analysis adds its values.
 * @throws CatwalkError `invalid_request`, `analysis_not_found`, and those of an analysis
 */
export async function findWhat(
  ctx: ServiceContext,
  { analysisId, source, server }: Pick<Wish, 'analysisId' | 'source' | 'server'>,
): Promise<What> {
  const snippet = source === undefined ? null : resolveSource(ctx, { source, server }).snippet
  if (analysisId !== undefined) {
    if (source !== undefined && snippet === null) {
      throw new CatwalkError('invalid_request', 'Give a source or the id of an analysis, not both.', {
        details: { field: 'analysisId' },
      })
    }
    const row = await findStored(ctx, analysisId)
    return { analysis: row.result, source: row.pinned, tracked: row.source, snippet }
  }
  if (source === undefined) {
    throw new CatwalkError('invalid_request', 'Give a source or the id of an analysis.', {
      details: { field: 'source' },
    })
  }
  const question = { source, server, fresh: false, boot: false, model: false }
  const { id } = await waitForRun(ctx, startAnalysing(ctx, question))
  const row = await findStored(ctx, id)
  return { analysis: row.result, source: row.pinned, tracked: row.source, snippet }
}
