import type { ParsedInput, RouteOutput } from '../../contract/index.ts'
import { queries } from '../../db/index.ts'
import {
  CatwalkError,
  chooseExecutable,
  formatSource,
  newId,
  slugify,
  suggestName,
  type LaunchSpec,
} from '../../domain/index.ts'
import type { ServiceContext } from '../context.ts'
import { storeCredentials } from '../credentials.ts'
import { deployableSource } from '../deployable-source.ts'
import { checkVariables } from './check-variables.ts'
import { presentToken } from '../tokens/present.ts'
import { newEndpointSecret } from '../tokens/secret.ts'
import { presentDeployment } from './present.ts'

const SLUG_ATTEMPTS = 50

/**
 * Deploys a server: looks the package up, then stores deployment, first release, credentials and first endpoint token
 * in one transaction. The reconciler does the rest.
 * @throws CatwalkError those of {@link deployableSource}, `package_not_found`, `version_not_found`, `no_executable`,
 *   `package_index_unavailable`, `invalid_variable`, `invalid_request` for a slug that is taken
 */
export async function createDeployment(
  ctx: ServiceContext,
  { body }: ParsedInput<'createDeployment'>,
): Promise<RouteOutput<'createDeployment'>> {
  const wanted = deployableSource(body.source)
  const variables = checkVariables(body.variables)
  const info = await ctx.packages.resolve(wanted.name, wanted.version, ctx.signal)
  const launchSpec: LaunchSpec = {
    package: {
      kind: 'npm',
      name: info.name,
      version: info.version,
      integrity: info.integrity,
      executable: chooseExecutable(info, body.executable ?? null),
    },
    args: [],
    userArgs: body.args,
    variables: variables.map(([name]) => ({
      name,
      description: null,
      required: true,
      secret: true,
      default: null,
    })),
    transport: { kind: 'stdio' },
  }
  const name = body.name ?? suggestName(info.name)
  const source = formatSource({ kind: 'npm', name: info.name, version: info.version })
  const deploymentId = newId('deployment')
  const releaseId = newId('release')
  const { workspaceId } = ctx.actor
  const endpointSecret = newEndpointSecret()

  return ctx.db.transaction().execute(async (tx) => {
    const slug = await insertWithFreeSlug(
      tx,
      { id: deploymentId, workspace_id: workspaceId, name, source },
      body.slug,
    )
    const credentialVersions = await storeCredentials(tx, ctx.vault, { workspaceId, deploymentId }, variables)
    await queries.insertRelease(tx, {
      id: releaseId,
      workspaceId,
      deploymentId,
      launchSpec,
      settings: {
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
      detail: { slug, source, variables: variables.map(([variable]) => variable) },
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
  row: { id: string; workspace_id: string; name: string; source: string },
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
