import type { ParsedInput, RouteOutput } from '../../contract/index.ts'
import { queries } from '../../db/index.ts'
import { CatwalkError, newId, slugify } from '../../domain/index.ts'
import type { ServiceContext } from '../context.ts'
import { personOf } from '../person.ts'
import { presentToken } from '../tokens/present.ts'
import { newEndpointSecret } from '../tokens/secret.ts'
import { joinCollection, told } from './members.ts'

const SLUG_ATTEMPTS = 50

/**
 * Makes a collection with its members and its first endpoint token.
 * @throws CatwalkError `slug_taken`, `deployment_not_found`, `prefix_invalid`, `prefix_taken`, `collection_full`
 */
export async function createCollection(
  ctx: ServiceContext,
  { body }: ParsedInput<'createCollection'>,
): Promise<RouteOutput<'createCollection'>> {
  const { name, listing, searchOver } = body
  const { workspaceId } = ctx.actor
  const id = newId('collection')
  const endpointSecret = newEndpointSecret()
  const person = await personOf(ctx)
  return ctx.db.transaction().execute(async (tx) => {
    const row = { id, workspace_id: workspaceId, name, listing, search_over: searchOver }
    const slug = await insertWithFreeSlug(tx, row, body.slug)
    for (const wish of body.members) {
      await joinCollection(tx, ctx, await queries.findCollection(tx, workspaceId, id), wish)
    }
    const token = await queries.insertEndpointToken(tx, {
      id: newId('endpointToken'),
      workspace_id: workspaceId,
      deployment_id: id,
      name: body.tokenName,
      scope: 'full',
      hash: endpointSecret.hash,
      prefix: endpointSecret.prefix,
      expires_at: null,
      user_id: person,
    })
    const collection = await told(tx, ctx, id)
    await queries.recordAudit(tx, {
      actor: ctx.actor,
      action: 'collection.create',
      target: id,
      detail: { slug, members: collection.members.map(({ deploymentId }) => deploymentId) },
    })
    return { collection, token: { ...presentToken(token), secret: endpointSecret.secret } }
  })
}

async function insertWithFreeSlug(
  tx: queries.Handle,
  row: Omit<Parameters<typeof queries.insertCollection>[1], 'slug'>,
  asked: string | undefined,
): Promise<string> {
  const base = asked ?? slugify(row.name)
  const attempts = asked === undefined ? SLUG_ATTEMPTS : 1
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const slug = attempt === 1 ? base : `${base}-${attempt}`
    if ((await queries.insertCollection(tx, { ...row, slug })) === 'inserted') return slug
  }
  throw new CatwalkError('slug_taken', `The name '${base}' is already used by another endpoint.`, {
    details: { field: 'slug' },
  })
}
