import type { ParsedInput, RouteOutput } from '../../contract/index.ts'
import { queries } from '../../db/index.ts'
import { CatwalkError, quoted } from '../../domain/index.ts'
import type { ServiceContext } from '../context.ts'
import { presentToken } from './present.ts'

/**
 * Changes the name of an endpoint token, or what it may at most; it stays the same token. Gateways count by the new
 * limits from the moment they hear of them.
 * @throws CatwalkError `deployment_not_found`, `token_not_found`
 */
export async function changeToken(
  ctx: ServiceContext,
  { params, body }: ParsedInput<'changeToken'>,
): Promise<RouteOutput<'changeToken'>> {
  return ctx.db.transaction().execute(async (tx) => {
    const deployment = await queries.lockEndpoint(tx, ctx.actor.workspaceId, params.id)
    const token = await queries.findEndpointToken(tx, deployment.id, params.tokenId)
    if (token === null) {
      throw new CatwalkError(
        'token_not_found',
        `The deployment has no endpoint token ${quoted(params.tokenId)} that could be changed.`,
      )
    }
    const { name, callsPerMinute, concurrentCalls } = body
    const row = await queries.changeEndpointToken(tx, token.id, {
      ...(name === undefined ? {} : { name }),
      ...(callsPerMinute === undefined ? {} : { calls_per_minute: callsPerMinute }),
      ...(concurrentCalls === undefined ? {} : { concurrent_calls: concurrentCalls }),
    })
    await queries.recordAudit(tx, {
      actor: ctx.actor,
      action: 'endpoint_token.change',
      target: token.id,
      detail: { deployment: deployment.id, ...body },
    })
    await queries.announce(tx, 'deployment', deployment.id)
    return presentToken(row)
  })
}
