import type { ParsedInput, RouteOutput } from '../../contract/index.ts'
import { queries } from '../../db/index.ts'
import { formatSource } from '../../domain/index.ts'
import type { ServiceContext } from '../context.ts'
import { resolveSource } from './analyse.ts'

/**
 * Forgets what was found out about a source, or without one about all.
 * @throws CatwalkError `invalid_source`, `invalid_package`
 */
export async function clearAnalyses(
  ctx: ServiceContext,
  { query }: ParsedInput<'clearAnalyses'>,
): Promise<RouteOutput<'clearAnalyses'>> {
  const source =
    query.source === undefined ? null : formatSource(resolveSource(ctx, { source: query.source }).source)
  return { deleted: await queries.deleteAnalyses(ctx.db, ctx.actor.workspaceId, source) }
}
