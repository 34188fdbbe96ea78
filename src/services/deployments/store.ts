import type { RouteOutput } from '../../contract/index.ts'
import { queries } from '../../db/index.ts'
import { CatwalkError, newId, slugify, type LaunchSpec, type ReleaseSettings } from '../../domain/index.ts'
import type { ServiceContext } from '../context.ts'
import { storeCredentials } from '../credentials.ts'
import { bringOwn } from '../own-credentials.ts'
import { personOf } from '../person.ts'
import { checkQuotas } from '../quotas.ts'
import { presentToken } from '../tokens/present.ts'
import { newEndpointSecret } from '../tokens/secret.ts'
import { presentDeployment } from './present.ts'

const SLUG_ATTEMPTS = 50

export interface NewDeployment {
  readonly name: string
  /** Just this one; undefined for one that is made from `slugBase` or the name. */
  readonly slug: string | undefined
  readonly slugBase?: string
  /** Canonical and pinned. */
  readonly source: string
  /** As it was asked for, where a branch or tag goes on; null where nobody knows. */
  readonly tracked: string | null
  readonly launchSpec: LaunchSpec
  readonly credentials: ReadonlyMap<string, string>
  /** What whoever deploys gives for themselves, of credentials that each member brings. */
  readonly own?: ReadonlyMap<string, string>
  readonly settings: ReleaseSettings
  /** Of the endpoint; what is not given is as it is for every new one. */
  readonly endpoint?: queries.EndpointSettings
  /** What else belongs to it, in the same transaction. */
  readonly alsoStore?: (tx: queries.Handle, deploymentId: string, releaseId: string) => Promise<void>
  readonly tokenName: string
  readonly action: 'deployment.create' | 'deployment.import'
}

/**
 * Stores deployment, first release, credentials and first endpoint token in one transaction.
 * @throws CatwalkError `slug_taken`, `quota_exceeded`
 */
export async function storeDeployment(
  ctx: ServiceContext,
  wish: NewDeployment,
): Promise<RouteOutput<'createDeployment'>> {
  const { name, source, launchSpec, credentials, settings, endpoint, action } = wish
  const deploymentId = newId('deployment')
  const releaseId = newId('release')
  const { workspaceId } = ctx.actor
  const endpointSecret = newEndpointSecret()
  const person = await personOf(ctx)

  return ctx.db.transaction().execute(async (tx) => {
    await checkQuotas(tx, ctx, null, settings.memoryMiB)
    const slug = await insertWithFreeSlug(
      tx,
      {
        id: deploymentId,
        workspace_id: workspaceId,
        name,
        source,
        tracked: wish.tracked,
        runtime: settings.runtime,
      },
      wish.slug,
      wish.slugBase ?? slugify(name),
    )
    if (endpoint !== undefined) await queries.setEndpointSettings(tx, deploymentId, endpoint)
    const credentialVersions = await storeCredentials(tx, ctx.vault, { workspaceId, deploymentId }, [
      ...credentials,
    ])
    await bringOwn(tx, ctx, deploymentId, person, wish.own ?? [])
    await queries.insertRelease(tx, {
      id: releaseId,
      workspaceId,
      deploymentId,
      launchSpec,
      settings,
      credentialVersions,
      lockFile: null,
      createdBy: ctx.actor.id,
    })
    await wish.alsoStore?.(tx, deploymentId, releaseId)
    const token = await queries.insertEndpointToken(tx, {
      id: newId('endpointToken'),
      workspace_id: workspaceId,
      deployment_id: deploymentId,
      name: wish.tokenName,
      scope: 'full',
      hash: endpointSecret.hash,
      prefix: endpointSecret.prefix,
      user_id: person,
      expires_at: null,
    })
    await queries.insertEvent(tx, {
      workspaceId,
      deploymentId,
      releaseId,
      kind: 'release.created',
      message: `Release 1 of ${source} created by ${ctx.actor.label}.`,
      data: { number: 1, state: 'pending' },
    })
    await queries.recordAudit(tx, {
      actor: ctx.actor,
      action,
      target: deploymentId,
      detail: { slug, source, variables: [...credentials.keys()] },
    })
    await queries.announce(tx, 'deployment', deploymentId)
    const view = await queries.findDeploymentView(tx, workspaceId, deploymentId)
    return {
      deployment: presentDeployment(ctx.publicUrl, view),
      token: { ...presentToken(token), secret: endpointSecret.secret },
    }
  })
}

async function insertWithFreeSlug(
  tx: queries.Handle,
  row: Omit<Parameters<typeof queries.insertDeployment>[1], 'slug'>,
  asked: string | undefined,
  base: string,
): Promise<string> {
  const attempts = asked === undefined ? SLUG_ATTEMPTS : 1
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const slug = asked ?? (attempt === 1 ? base : `${base.slice(0, 44)}-${attempt}`)
    if ((await queries.insertDeployment(tx, { ...row, slug })) === 'inserted') return slug
  }
  throw new CatwalkError('slug_taken', `The name '${asked ?? base}' is already used by another endpoint.`, {
    details: { field: 'slug' },
  })
}
