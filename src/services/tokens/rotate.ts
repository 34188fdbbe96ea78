import type { ParsedInput, RouteOutput } from '../../contract/index.ts'
import { queries } from '../../db/index.ts'
import { CatwalkError, newId, quoted } from '../../domain/index.ts'
import type { ServiceContext } from '../context.ts'
import { personOf } from '../person.ts'
import { presentToken } from './present.ts'
import { newEndpointSecret } from './secret.ts'

const HOUR_MS = 3_600_000

/**
 * Replaces an endpoint token, named by id or name, by one of the same name, scope, limits and lifetime. The former one works on
 * for the grace time, so that clients can be changed one after the other.
 * @throws CatwalkError `deployment_not_found`, `token_not_found`
 */
export async function rotateToken(
  ctx: ServiceContext,
  { params, body }: ParsedInput<'rotateToken'>,
): Promise<RouteOutput<'rotateToken'>> {
  const { secret, hash, prefix } = newEndpointSecret()
  // Whoever holds the new one calls for themselves, never for whoever made the former.
  const person = await personOf(ctx)
  return ctx.db.transaction().execute(async (tx) => {
    const deployment = await queries.lockEndpoint(tx, ctx.actor.workspaceId, params.id)
    const former = await queries.findEndpointToken(tx, deployment.id, params.tokenId)
    if (former === null) {
      throw new CatwalkError(
        'token_not_found',
        `The deployment has no endpoint token ${quoted(params.tokenId)} that could be rotated.`,
      )
    }
    const now = ctx.clock.now().getTime()
    const lifetimeMs =
      former.expires_at === null ? null : former.expires_at.getTime() - former.created_at.getTime()
    const row = await queries.insertEndpointToken(tx, {
      id: newId('endpointToken'),
      workspace_id: deployment.workspace_id,
      deployment_id: deployment.id,
      name: former.name,
      scope: former.scope,
      hash,
      prefix,
      user_id: person,
      calls_per_minute: former.calls_per_minute,
      concurrent_calls: former.concurrent_calls,
      expires_at: lifetimeMs === null ? null : new Date(now + lifetimeMs),
    })
    await queries.replaceEndpointToken(tx, former.id, row.id, new Date(now + body.graceHours * HOUR_MS))
    await queries.recordAudit(tx, {
      actor: ctx.actor,
      action: 'endpoint_token.rotate',
      target: former.id,
      detail: { deployment: deployment.id, name: former.name, by: row.id, graceHours: body.graceHours },
    })
    await queries.announce(tx, 'deployment', deployment.id)
    return { ...presentToken(row), secret }
  })
}
