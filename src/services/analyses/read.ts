import type { ParsedInput, RouteOutput } from '../../contract/index.ts'
import { queries } from '../../db/index.ts'
import { CatwalkError, isId } from '../../domain/index.ts'
import type { ServiceContext } from '../context.ts'
import { presentAnalysis } from './present.ts'
import type { Run } from './run.ts'

type ShownRun = RouteOutput<'getAnalysis'>

/** @throws CatwalkError `analysis_not_found` */
export async function getAnalysis(
  ctx: ServiceContext,
  { params }: ParsedInput<'getAnalysis'>,
): Promise<ShownRun> {
  const run = ctx.analyses.find(ctx.actor.workspaceId, params.id)
  if (run !== null) return presentRun(run)
  const row = await findStored(ctx, params.id)
  const analysis = presentAnalysis(row, { cached: true, snippet: null })
  return { id: row.id, source: row.source, state: 'done', steps: [], analysis, error: null }
}

/**
 * A finished analysis of the workspace.
 * @throws CatwalkError `analysis_not_found`
 */
export async function findStored(ctx: ServiceContext, id: string): Promise<queries.AnalysisRow> {
  const row = isId('analysis', id) ? await queries.findAnalysis(ctx.db, ctx.actor.workspaceId, id) : null
  if (row === null) throw new CatwalkError('analysis_not_found', 'There is no such analysis.')
  return row
}

export function presentRun({ id, source, steps, outcome }: Run): ShownRun {
  return {
    id,
    source,
    state: outcome === null ? 'running' : outcome.kind,
    steps: [...steps],
    analysis: outcome?.kind === 'done' ? outcome.analysis : null,
    error: outcome?.kind === 'failed' ? errorOf(outcome.error) : null,
  }
}

export function errorOf(error: CatwalkError): NonNullable<ShownRun['error']> {
  const { details, ...body } = error.toBody()
  return details === undefined ? body : { ...body, details: { ...details } }
}
