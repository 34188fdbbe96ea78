import { createHash, randomBytes } from 'node:crypto'
import type { ParsedInput, RouteOutput } from '../../contract/index.ts'
import { queries } from '../../db/index.ts'
import { CatwalkError, newId, quoted } from '../../domain/index.ts'
import type { ServiceContext } from '../context.ts'

type Client = RouteOutput<'listOAuthClients'>['items'][number]

/**
 * Clients that were made for the endpoint by hand, oldest first.
 * @throws CatwalkError `deployment_not_found`
 */
export async function listOAuthClients(
  ctx: ServiceContext,
  { params }: ParsedInput<'listOAuthClients'>,
): Promise<RouteOutput<'listOAuthClients'>> {
  const { id } = await queries.findEndpoint(ctx.db, ctx.actor.workspaceId, params.id)
  return { items: (await queries.listPredefinedClients(ctx.db, id)).map(present) }
}

/**
 * Makes a client id for a program that cannot register itself. A secret is in the answer and nowhere else.
 * @throws CatwalkError `deployment_not_found`
 */
export async function createOAuthClient(
  ctx: ServiceContext,
  { params, body }: ParsedInput<'createOAuthClient'>,
): Promise<RouteOutput<'createOAuthClient'>> {
  const secret = body.secret ? `cws_${randomBytes(32).toString('base64url')}` : null
  return ctx.db.transaction().execute(async (tx) => {
    const deployment = await queries.lockEndpoint(tx, ctx.actor.workspaceId, params.id)
    const row = await queries.putOAuthClient(tx, {
      id: newId('oauthClient'),
      kind: 'predefined',
      deployment_id: deployment.id,
      name: body.name,
      uri: null,
      redirect_uris: [...body.redirectUris],
      auth_method: secret === null ? 'none' : 'client_secret_post',
      secret_hash: secret === null ? null : createHash('sha256').update(secret).digest(),
      fresh_until: null,
    })
    await queries.recordAudit(tx, {
      actor: ctx.actor,
      action: 'oauth_client.create',
      target: row.id,
      detail: { name: row.name, deployment: deployment.id, redirectUris: row.redirect_uris },
    })
    return { ...present(row), secret }
  })
}

/**
 * Deletes a client that was made by hand, with all that people allowed it.
 * @throws CatwalkError `deployment_not_found`, `oauth_client_not_found`
 */
export async function deleteOAuthClient(
  ctx: ServiceContext,
  { params }: ParsedInput<'deleteOAuthClient'>,
): Promise<null> {
  return ctx.db.transaction().execute(async (tx) => {
    const deployment = await queries.lockEndpoint(tx, ctx.actor.workspaceId, params.id)
    const gone = await queries.deletePredefinedClient(tx, deployment.id, params.clientId)
    if (gone === null) {
      throw new CatwalkError('oauth_client_not_found', `There is no client ${quoted(params.clientId)}.`)
    }
    await queries.recordAudit(tx, {
      actor: ctx.actor,
      action: 'oauth_client.delete',
      target: gone.id,
      detail: { name: gone.name, deployment: deployment.id },
    })
    await queries.announce(tx, 'deployment', deployment.id)
    return null
  })
}

function present(row: queries.OAuthClientRow): Client {
  return {
    id: row.id,
    name: row.name,
    redirectUris: [...row.redirect_uris],
    hasSecret: row.secret_hash !== null,
    createdAt: row.created_at.toISOString(),
  }
}
