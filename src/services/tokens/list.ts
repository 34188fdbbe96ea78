import type { ParsedInput, RouteOutput } from '../../contract/index.ts'
import { queries } from '../../db/index.ts'
import type { ServiceContext } from '../context.ts'
import { presentToken } from './present.ts'

/**
 * Endpoint tokens of a deployment, oldest first.
 * @throws CatwalkError `deployment_not_found`
 */
export async function listTokens(
  ctx: ServiceContext,
  { params }: ParsedInput<'listTokens'>,
): Promise<RouteOutput<'listTokens'>> {
  const { id } = await queries.findEndpoint(ctx.db, ctx.actor.workspaceId, params.id)
  const rows = await queries.listEndpointTokens(ctx.db, id)
  return { items: rows.map(presentToken) }
}
