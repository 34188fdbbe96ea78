import type { ParsedInput, RouteOutput } from '../../contract/index.ts'
import { queries } from '../../db/index.ts'
import type { ServiceContext } from '../context.ts'
import { presentRelease } from './present.ts'

/**
 * Releases of a deployment, newest first.
 * @throws CatwalkError `deployment_not_found`
 */
export async function listReleases(
  ctx: ServiceContext,
  { params }: ParsedInput<'listReleases'>,
): Promise<RouteOutput<'listReleases'>> {
  const id = await queries.deploymentId(ctx.db, ctx.actor.workspaceId, params.id)
  const rows = await queries.listReleases(ctx.db, id)
  return { items: rows.map(presentRelease) }
}
