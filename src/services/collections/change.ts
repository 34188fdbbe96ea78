import type { ParsedInput, RouteOutput } from '../../contract/index.ts'
import { queries } from '../../db/index.ts'
import type { ServiceContext } from '../context.ts'
import { told } from './members.ts'

/**
 * Changes what is given and leaves the rest.
 * @throws CatwalkError `collection_not_found`
 */
export async function changeCollection(
  ctx: ServiceContext,
  { params, body }: ParsedInput<'changeCollection'>,
): Promise<RouteOutput<'changeCollection'>> {
  return ctx.db.transaction().execute(async (tx) => {
    const collection = await queries.lockCollection(tx, ctx.actor.workspaceId, params.id)
    await queries.setCollection(tx, {
      id: collection.id,
      name: body.name ?? collection.name,
      access: body.access ?? collection.access,
      allowed_origins: body.allowedOrigins ?? collection.allowed_origins,
      listing: body.listing ?? collection.listing,
      search_over: body.searchOver ?? collection.search_over,
    })
    // An absent field is not a change.
    const detail = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined))
    await queries.recordAudit(tx, {
      actor: ctx.actor,
      action: 'collection.change',
      target: collection.id,
      detail,
    })
    return told(tx, ctx, collection.id)
  })
}

/**
 * Deletes a collection with its tokens and connections. Its members stay.
 * @throws CatwalkError `collection_not_found`
 */
export async function deleteCollection(
  ctx: ServiceContext,
  { params }: ParsedInput<'deleteCollection'>,
): Promise<null> {
  return ctx.db.transaction().execute(async (tx) => {
    const { id, slug } = await queries.lockCollection(tx, ctx.actor.workspaceId, params.id)
    await queries.deleteCollection(tx, id)
    await queries.recordAudit(tx, {
      actor: ctx.actor,
      action: 'collection.delete',
      target: id,
      detail: { slug },
    })
    await queries.announce(tx, 'deployment', id)
    return null
  })
}
