import type { ParsedInput } from '../../contract/index.ts'
import { queries } from '../../db/index.ts'
import { CatwalkError, quoted } from '../../domain/index.ts'
import type { ServiceContext } from '../context.ts'

/**
 * Revokes an endpoint token, named by id or name. Gateways refuse it from the moment they hear of it.
 * @throws CatwalkError `deployment_not_found`, `token_not_found`
 */
export async function revokeToken(
  ctx: ServiceContext,
  { params }: ParsedInput<'revokeToken'>,
): Promise<null> {
  return ctx.db.transaction().execute(async (tx) => {
    const deployment = await queries.lockEndpoint(tx, ctx.actor.workspaceId, params.id)
    const name = await queries.deleteEndpointToken(tx, deployment.id, params.tokenId)
    if (name === null) {
      throw new CatwalkError(
        'token_not_found',
        `The deployment has no endpoint token ${quoted(params.tokenId)}.`,
      )
    }
    await queries.recordAudit(tx, {
      actor: ctx.actor,
      action: 'endpoint_token.revoke',
      target: params.tokenId,
      detail: { deployment: deployment.id, name },
    })
    await queries.announce(tx, 'deployment', deployment.id)
    return null
  })
}
