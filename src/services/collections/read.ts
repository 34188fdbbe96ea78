import type { ParsedInput, RouteOutput } from '../../contract/index.ts'
import { queries } from '../../db/index.ts'
import type { ServiceContext } from '../context.ts'
import { presentCollection } from './present.ts'

/** All collections of the workspace, newest first. */
export async function listCollections(ctx: ServiceContext): Promise<RouteOutput<'listCollections'>> {
  const rows = await queries.listCollections(ctx.db, ctx.actor.workspaceId)
  return { items: rows.map((row) => presentCollection(ctx.publicUrl, row)) }
}

/**
 * One collection, by id or slug.
 * @throws CatwalkError `collection_not_found`
 */
export async function getCollection(
  ctx: ServiceContext,
  { params }: ParsedInput<'getCollection'>,
): Promise<RouteOutput<'getCollection'>> {
  return presentCollection(
    ctx.publicUrl,
    await queries.findCollection(ctx.db, ctx.actor.workspaceId, params.id),
  )
}
