import type { ParsedInput, RouteOutput } from '../../contract/index.ts'
import { queries } from '../../db/index.ts'
import { newId } from '../../domain/index.ts'
import type { ServiceContext } from '../context.ts'
import { personOf } from '../person.ts'
import { presentToken } from './present.ts'
import { newEndpointSecret } from './secret.ts'

const DAY_MS = 86_400_000

/**
 * Adds an endpoint token. The answer is the only place where the token itself ever appears.
 * @throws CatwalkError `deployment_not_found`
 */
export async function createToken(
  ctx: ServiceContext,
  { params, body }: ParsedInput<'createToken'>,
): Promise<RouteOutput<'createToken'>> {
  const { secret, hash, prefix } = newEndpointSecret()
  const person = await personOf(ctx)
  return ctx.db.transaction().execute(async (tx) => {
    const deployment = await queries.lockEndpoint(tx, ctx.actor.workspaceId, params.id)
    const row = await queries.insertEndpointToken(tx, {
      id: newId('endpointToken'),
      workspace_id: deployment.workspace_id,
      deployment_id: deployment.id,
      name: body.name,
      scope: body.scope,
      hash,
      prefix,
      user_id: person,
      calls_per_minute: body.callsPerMinute ?? null,
      concurrent_calls: body.concurrentCalls ?? null,
      expires_at:
        body.expiresInDays === null
          ? null
          : new Date(ctx.clock.now().getTime() + body.expiresInDays * DAY_MS),
    })
    await queries.recordAudit(tx, {
      actor: ctx.actor,
      action: 'endpoint_token.create',
      target: row.id,
      detail: { deployment: deployment.id, name: body.name, scope: body.scope },
    })
    await queries.announce(tx, 'deployment', deployment.id)
    return { ...presentToken(row), secret }
  })
}
