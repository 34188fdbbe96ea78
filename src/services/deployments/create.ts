import type { ParsedInput, RouteOutput } from '../../contract/index.ts'
import { queries } from '../../db/index.ts'
import { CatwalkError, newId, slugify, suggestName, type RuntimeKind } from '../../domain/index.ts'
import { nameOf } from '../analyses/present.ts'
import type { ServiceContext } from '../context.ts'
import { chooseRuntime } from '../releases/runtime.ts'
import { storeCredentials } from '../credentials.ts'
import { presentToken } from '../tokens/present.ts'
import { newEndpointSecret } from '../tokens/secret.ts'
import { checkVerdict, collectValues, planLaunch } from './plan.ts'
import { presentDeployment } from './present.ts'
import { findWhat } from './what.ts'

const SLUG_ATTEMPTS = 50

/**
 * Deploys what an analysis found: checks that nothing is missing and nothing unconfirmed, then stores deployment, first
 * release, credentials and first endpoint token in one transaction. The reconciler does the rest.
 * @throws CatwalkError those of `chooseRuntime`, `findWhat`, `checkVerdict`, `collectValues` and `SourceAnalyzer.toPackage`; `slug_taken`
 */
export async function createDeployment(
  ctx: ServiceContext,
  { body }: ParsedInput<'createDeployment'>,
): Promise<RouteOutput<'createDeployment'>> {
  const runtime = chooseRuntime(ctx.installation.runtimes, body.runtime, body)
  const { analysis, source, snippet } = await findWhat(ctx, body)
  checkVerdict(analysis, body)
  const given = collectValues(analysis, body, snippet)
  const pkg = await ctx.analyzer.toPackage(
    ctx.actor.workspaceId,
    analysis,
    body.executable ?? snippet?.executable ?? null,
    ctx.signal,
  )
  const { launchSpec, credentials } = planLaunch(analysis, pkg, given, body.startArgs, snippet?.args ?? [])
  const name = body.name ?? suggestName(nameOf(analysis))
  const deploymentId = newId('deployment')
  const releaseId = newId('release')
  const { workspaceId } = ctx.actor
  const endpointSecret = newEndpointSecret()

  return ctx.db.transaction().execute(async (tx) => {
    const slug = await insertWithFreeSlug(
      tx,
      { id: deploymentId, workspace_id: workspaceId, name, source, runtime },
      body.slug,
    )
    const credentialVersions = await storeCredentials(tx, ctx.vault, { workspaceId, deploymentId }, [
      ...credentials,
    ])
    await queries.insertRelease(tx, {
      id: releaseId,
      workspaceId,
      deploymentId,
      launchSpec,
      settings: {
        runtime,
        network: body.network,
        allowScripts: body.allowScripts,
        memoryMiB: body.memoryMiB ?? ctx.defaultMemoryMiB,
      },
      credentialVersions,
      lockFile: null,
      createdBy: ctx.actor.id,
    })
    const token = await queries.insertEndpointToken(tx, {
      id: newId('endpointToken'),
      workspace_id: workspaceId,
      deployment_id: deploymentId,
      name: body.tokenName,
      scope: 'full',
      hash: endpointSecret.hash,
      prefix: endpointSecret.prefix,
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
      action: 'deployment.create',
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
  row: { id: string; workspace_id: string; name: string; source: string; runtime: RuntimeKind },
  asked: string | undefined,
): Promise<string> {
  const base = asked ?? slugify(row.name)
  const attempts = asked === undefined ? SLUG_ATTEMPTS : 1
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const slug = attempt === 1 ? base : `${base}-${attempt}`
    if ((await queries.insertDeployment(tx, { ...row, slug })) === 'inserted') return slug
  }
  throw new CatwalkError('slug_taken', `The name '${base}' is already used by another endpoint.`, {
    details: { field: 'slug' },
  })
}
