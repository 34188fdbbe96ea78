import type { ParsedInput, RouteOutput } from '../../contract/index.ts'
import { queries } from '../../db/index.ts'
import { CatwalkError, checkMember, defaultPrefix, quoted, toolsOfSets } from '../../domain/index.ts'
import type { ServiceContext } from '../context.ts'
import { presentCollection } from './present.ts'

/**
 * Adds a deployment of the same workspace behind the others, or changes the prefix of one that is in it.
 * @throws CatwalkError `collection_not_found`, `deployment_not_found`, `prefix_invalid`, `prefix_taken`,
 *   `collection_full`
 */
export async function addCollectionMember(
  ctx: ServiceContext,
  { params, body }: ParsedInput<'addCollectionMember'>,
): Promise<RouteOutput<'addCollectionMember'>> {
  return ctx.db.transaction().execute(async (tx) => {
    const collection = await queries.lockCollection(tx, ctx.actor.workspaceId, params.id)
    const member = await joinCollection(tx, ctx, collection, body)
    await queries.recordAudit(tx, {
      actor: ctx.actor,
      action: 'collection.add',
      target: collection.id,
      detail: member,
    })
    return told(tx, ctx, collection.id)
  })
}

/**
 * Takes a deployment out.
 * @throws CatwalkError `collection_not_found`, `not_in_collection`
 */
export async function removeCollectionMember(
  ctx: ServiceContext,
  { params }: ParsedInput<'removeCollectionMember'>,
): Promise<RouteOutput<'removeCollectionMember'>> {
  return ctx.db.transaction().execute(async (tx) => {
    const collection = await queries.lockCollection(tx, ctx.actor.workspaceId, params.id)
    const asked = params.deploymentId
    const member = collection.members.find(({ deployment_id: id, slug }) => id === asked || slug === asked)
    if (member === undefined) {
      const message = `There is no deployment ${quoted(asked)} in the collection '${collection.slug}'.`
      throw new CatwalkError('not_in_collection', message)
    }
    await queries.removeCollectionMember(tx, collection.id, member.deployment_id)
    await queries.recordAudit(tx, {
      actor: ctx.actor,
      action: 'collection.remove',
      target: collection.id,
      detail: { deployment: member.deployment_id },
    })
    return told(tx, ctx, collection.id)
  })
}

/**
 * Puts a deployment into a collection that is locked.
 * @throws CatwalkError `deployment_not_found`, `prefix_invalid`, `prefix_taken`, `collection_full`
 */
export async function joinCollection(
  tx: queries.Handle,
  ctx: ServiceContext,
  collection: Pick<queries.CollectionRow, 'id' | 'members'>,
  wish: ParsedInput<'addCollectionMember'>['body'],
): Promise<{ readonly deployment: string; readonly prefix: string }> {
  const deployment = await queries.lockDeployment(tx, ctx.actor.workspaceId, wish.deployment)
  if (deployment.desired === 'deleted') {
    throw new CatwalkError('deployment_deleting', `The deployment '${deployment.slug}' is being deleted.`)
  }
  const recorded = await queries.recordedManifest(tx, deployment.id)
  const { tools = [], prompts = [] } = recorded?.manifest ?? {}
  const names = [...tools, ...toolsOfSets(recorded?.sets ?? {}), ...prompts].flatMap(({ name }) =>
    typeof name === 'string' ? [name] : [],
  )
  const others = collection.members
    .filter(({ deployment_id: id }) => id !== deployment.id)
    .map(({ deployment_id: deploymentId, prefix }) => ({ deploymentId, prefix }))
  const prefix = wish.prefix ?? defaultPrefix(deployment.slug)
  checkMember(others, { deploymentId: deployment.id, prefix }, names)
  await queries.addCollectionMember(tx, collection.id, deployment.id, prefix)
  return { deployment: deployment.id, prefix }
}

/** Lets gateways hear of a change, and shows what came of it. */
export async function told(
  tx: queries.Handle,
  ctx: ServiceContext,
  id: string,
): Promise<RouteOutput<'getCollection'>> {
  await queries.announce(tx, 'deployment', id)
  return presentCollection(ctx.publicUrl, await queries.findCollection(tx, ctx.actor.workspaceId, id))
}
