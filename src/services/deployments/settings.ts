import type { ParsedInput, RouteOutput } from '../../contract/index.ts'
import { queries } from '../../db/index.ts'
import type { ServiceContext } from '../context.ts'

/**
 * What the owner may change of an endpoint without a new release.
 * @throws CatwalkError `deployment_not_found`
 */
export async function getSettings(
  ctx: ServiceContext,
  { params }: ParsedInput<'getSettings'>,
): Promise<RouteOutput<'getSettings'>> {
  const id = await queries.deploymentId(ctx.db, ctx.actor.workspaceId, params.id)
  return queries.endpointSettings(ctx.db, id)
}

/**
 * Changes what is given and leaves the rest. What concerns processes replaces the instances.
 * @throws CatwalkError `deployment_not_found`
 */
export async function changeSettings(
  ctx: ServiceContext,
  { params, body }: ParsedInput<'changeSettings'>,
): Promise<RouteOutput<'changeSettings'>> {
  return ctx.db.transaction().execute(async (tx) => {
    const deployment = await queries.lockDeployment(tx, ctx.actor.workspaceId, params.id)
    const before = await queries.endpointSettings(tx, deployment.id)
    // An absent field is not a change.
    const given = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined))
    const settings = { ...before, ...given }
    await queries.setEndpointSettings(tx, deployment.id, settings)
    const replaces = settings.processes !== before.processes || settings.stateful !== before.stateful
    if (replaces && deployment.desired === 'running') {
      await queries.countRestart(tx, deployment.id)
      await queries.setDesired(tx, deployment.id, 'running')
    }
    await queries.recordAudit(tx, {
      actor: ctx.actor,
      action: 'deployment.settings',
      target: deployment.id,
      detail: given,
    })
    await queries.announce(tx, 'deployment', deployment.id)
    return settings
  })
}
