import { DEPLOYMENT_FILE_VERSION, type ParsedInput, type RouteOutput } from '../../contract/index.ts'
import { queries } from '../../db/index.ts'
import { CatwalkError, type LaunchArgument, type LaunchPackage } from '../../domain/index.ts'
import type { ServiceContext } from '../context.ts'
import { openCredentials } from '../credentials.ts'
import { presentNetwork } from '../releases/present.ts'
import { sealValues, type File } from './seal.ts'
import { toolsForFile } from './tools.ts'

/**
 * A deployment as a file: what runs of it, or else its newest release, and its settings, without any value.
 * @throws CatwalkError `deployment_not_found`, `deployment_deleting`
 */
export async function exportDeployment(
  ctx: ServiceContext,
  { params }: ParsedInput<'exportDeployment'>,
): Promise<RouteOutput<'exportDeployment'>> {
  return (await read(ctx, ctx.db, params.id)).file
}

/**
 * The same with the values that it is given, encrypted under a passphrase.
 * @throws CatwalkError `deployment_not_found`, `deployment_deleting`, `credential_unreadable`, `payload_too_large`
 */
export async function exportWithSecrets(
  ctx: ServiceContext,
  { params, body }: ParsedInput<'exportWithSecrets'>,
): Promise<RouteOutput<'exportWithSecrets'>> {
  const { file, values } = await ctx.db.transaction().execute(async (tx) => {
    const { file: bare, deploymentId, release } = await read(ctx, tx, params.id)
    const rows = await queries.credentialsOf(tx, deploymentId, release.credential_versions)
    const opened = [...openCredentials(ctx.vault, rows)].map(([name, secret]) => [name, secret.reveal()])
    await queries.recordAudit(tx, {
      actor: ctx.actor,
      action: 'deployment.export_secrets',
      target: deploymentId,
      detail: { release: release.number, variables: opened.map(([name]) => name ?? '') },
    })
    return { file: bare, values: Object.fromEntries(opened) as Record<string, string> }
  })
  // Slow on purpose, so that the transaction does not wait for it.
  return sealValues(file, values, body.passphrase)
}

async function read(
  ctx: ServiceContext,
  db: queries.Handle,
  idOrSlug: string,
): Promise<{ file: File; deploymentId: string; release: queries.ReleaseRow }> {
  const view = await queries.findDeploymentView(db, ctx.actor.workspaceId, idOrSlug)
  if (view.desired === 'deleted') {
    throw new CatwalkError('deployment_deleting', `The deployment '${view.slug}' is being deleted.`)
  }
  const release = (await queries.liveRelease(db, view.id)) ?? view.newest
  const { runtime, network, allowScripts, memoryMiB } = release.settings
  const file: File = {
    format: 'catwalk-deployment',
    version: DEPLOYMENT_FILE_VERSION,
    exportedAt: ctx.clock.now().toISOString(),
    name: view.name,
    slug: view.slug,
    source: view.source,
    launch: launchOf(release),
    run: { runtime, network: presentNetwork(network), allowScripts, memoryMiB },
    settings: await queries.endpointSettings(db, view.id),
    tools: await toolsForFile(db, view.id),
    secrets: null,
  }
  return { file, deploymentId: view.id, release }
}

function launchOf({
  launch_spec: spec,
  credential_versions: versions,
  settings,
}: queries.ReleaseRow): File['launch'] {
  const personal = new Set(settings.personal)
  // An account is connected here and not elsewhere: there it is a value that is missing.
  const needed = new Set([...Object.keys(versions), ...personal, ...Object.keys(settings.accounts ?? {})])
  const { package: pkg, args, userArgs = [], variables, transport } = spec
  return {
    package: copied(pkg),
    args: [...args],
    ...(transport.kind === 'http' ? { headers: transport.headers.map((header) => ({ ...header })) } : {}),
    ...(transport.kind === 'port' ? { port: { port: transport.port, path: transport.path } } : {}),
    userArgs: userArgs.map(argumentOf),
    values: variables
      .filter(({ name }) => needed.has(name))
      .map(({ name, description, secret, default: value, file }) => ({
        name,
        description,
        secret,
        default: value,
        ...(personal.has(name) ? { personal: true as const } : {}),
        ...(file === undefined ? {} : { file }),
      })),
  }
}

/** With lists that may be changed, as the contract has them. */
function copied(pkg: LaunchPackage): File['launch']['package'] {
  switch (pkg.kind) {
    case 'pypi':
      return { ...pkg, hashes: [...pkg.hashes] }
    case 'oci':
      return { ...pkg, program: [...pkg.program] }
    case 'npm':
    case 'git':
    case 'mcpb':
    case 'remote':
      return pkg
    default:
      return pkg satisfies never
  }
}

function argumentOf(argument: LaunchArgument): File['launch']['userArgs'][number] {
  return typeof argument === 'string' ? argument : { prefix: argument.prefix, value: argument.credential }
}
