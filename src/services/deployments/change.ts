import type { ParsedInput, RouteOutput } from '../../contract/index.ts'
import { queries } from '../../db/index.ts'
import { CatwalkError, newId, type DesiredState } from '../../domain/index.ts'
import type { ServiceContext } from '../context.ts'
import { presentDeployment } from './present.ts'

type Output = RouteOutput<'getDeployment'>

/**
 * Ends the instances of a deployment; its endpoint answers 503 until it is started again.
 * @throws CatwalkError `deployment_not_found`, `deployment_deleting`
 */
export async function stopDeployment(
  ctx: ServiceContext,
  { params }: ParsedInput<'stopDeployment'>,
): Promise<Output> {
  return change(ctx, params.id, 'stop', 'stopped', 'Stopped')
}

/**
 * Starts a deployment again. One whose newest release failed gets a new release with the same settings.
 * @throws CatwalkError `deployment_not_found`, `deployment_deleting`
 */
export async function startDeployment(
  ctx: ServiceContext,
  { params }: ParsedInput<'startDeployment'>,
): Promise<Output> {
  return change(ctx, params.id, 'start', 'running', 'Started', retryFailedRelease)
}

/**
 * Ends the instances and starts new ones.
 * @throws CatwalkError `deployment_not_found`, `deployment_deleting`
 */
export async function restartDeployment(
  ctx: ServiceContext,
  { params }: ParsedInput<'restartDeployment'>,
): Promise<Output> {
  return change(ctx, params.id, 'restart', 'running', 'Restarted', async (tx, _, deployment) => {
    await queries.countRestart(tx, deployment.id)
    if (deployment.live_release_id === null) await retryFailedRelease(tx, ctx, deployment)
  })
}

/**
 * Deletes a deployment. Asking again is no error while it is still going on.
 * @throws CatwalkError `deployment_not_found`
 */
export async function deleteDeployment(
  ctx: ServiceContext,
  { params }: ParsedInput<'deleteDeployment'>,
): Promise<Output> {
  // Credentials go with this very transaction; the rest needs its instances ended first.
  return change(ctx, params.id, 'delete', 'deleted', 'Deletion asked for', async (tx, _, deployment) => {
    await queries.deleteCredentials(tx, deployment.id)
    await queries.deletePersonalCredentials(tx, { deploymentId: deployment.id })
    await queries.deleteAllAccounts(tx, deployment.id)
  })
}

type Extra = (tx: queries.Handle, ctx: ServiceContext, deployment: queries.DeploymentRow) => Promise<void>

async function change(
  ctx: ServiceContext,
  idOrSlug: string,
  verb: string,
  desired: DesiredState,
  word: string,
  extra?: Extra,
): Promise<Output> {
  return ctx.db.transaction().execute(async (tx) => {
    const deployment = await queries.lockDeployment(tx, ctx.actor.workspaceId, idOrSlug)
    if (deployment.desired === 'deleted' && desired !== 'deleted') {
      throw new CatwalkError('deployment_deleting', `The deployment '${deployment.slug}' is being deleted.`)
    }
    await queries.setDesired(tx, deployment.id, desired)
    await extra?.(tx, ctx, deployment)
    await queries.insertEvent(tx, {
      workspaceId: deployment.workspace_id,
      deploymentId: deployment.id,
      releaseId: null,
      kind: 'deployment.desired',
      message: `${word} by ${ctx.actor.label}.`,
      data: { desired },
    })
    await queries.recordAudit(tx, { actor: ctx.actor, action: `deployment.${verb}`, target: deployment.id })
    await queries.announce(tx, 'deployment', deployment.id)
    const view = await queries.findDeploymentView(tx, ctx.actor.workspaceId, deployment.id)
    return presentDeployment(ctx.publicUrl, view)
  })
}

/** Makes a release like the newest one, if that has failed. */
export async function retryFailedRelease(
  tx: queries.Handle,
  ctx: ServiceContext,
  deployment: queries.DeploymentRow,
): Promise<void> {
  const failed = await queries.newestRelease(tx, deployment.id)
  if (failed.state !== 'failed') return
  const releaseId = newId('release')
  const number = await queries.insertRelease(tx, {
    id: releaseId,
    workspaceId: deployment.workspace_id,
    deploymentId: deployment.id,
    launchSpec: failed.launch_spec,
    settings: failed.settings,
    credentialVersions: failed.credential_versions,
    lockFile: failed.lock_file,
    createdBy: ctx.actor.id,
  })
  await queries.insertEvent(tx, {
    workspaceId: deployment.workspace_id,
    deploymentId: deployment.id,
    releaseId,
    kind: 'release.created',
    message: `Release ${number}, a retry of release ${failed.number}, created by ${ctx.actor.label}.`,
    data: { number, state: 'pending' },
  })
}
