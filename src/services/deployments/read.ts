import type { ParsedInput, RouteOutput } from '../../contract/index.ts'
import { queries } from '../../db/index.ts'
import { CatwalkError } from '../../domain/index.ts'
import type { ServiceContext } from '../context.ts'
import { presentDeployment } from './present.ts'

/** All deployments of the workspace, newest first. */
export async function listDeployments(ctx: ServiceContext): Promise<RouteOutput<'listDeployments'>> {
  const views = await queries.listDeploymentViews(ctx.db, ctx.actor.workspaceId)
  return { items: views.map((view) => presentDeployment(ctx.publicUrl, view)) }
}

/**
 * One deployment, by id or slug.
 * @throws CatwalkError `deployment_not_found`
 */
export async function getDeployment(
  ctx: ServiceContext,
  { params }: ParsedInput<'getDeployment'>,
): Promise<RouteOutput<'getDeployment'>> {
  const view = await queries.findDeploymentView(ctx.db, ctx.actor.workspaceId, params.id)
  return presentDeployment(ctx.publicUrl, view)
}

/**
 * What the live release offered when it was probed.
 * @throws CatwalkError `deployment_not_found`, `deployment_not_running` while no release was ever live
 */
export async function getCatalogue(
  ctx: ServiceContext,
  { params }: ParsedInput<'getCatalogue'>,
): Promise<RouteOutput<'getCatalogue'>> {
  const id = await queries.deploymentId(ctx.db, ctx.actor.workspaceId, params.id)
  const manifest = await queries.liveManifest(ctx.db, id)
  if (manifest === null) {
    throw new CatwalkError('deployment_not_running', 'No release of this deployment has answered yet.', {
      help: 'Wait until it is running, or look at why it failed.',
    })
  }
  // The probe kept only objects that have the fields which the contract names.
  return manifest as unknown as RouteOutput<'getCatalogue'>
}
