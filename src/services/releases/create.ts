import type { ParsedInput, RouteOutput } from '../../contract/index.ts'
import { queries } from '../../db/index.ts'
import { CatwalkError, describePackage, newId, variableProblem, type LaunchSpec } from '../../domain/index.ts'
import type { ServiceContext } from '../context.ts'
import { accountSources } from '../accounts/sources.ts'
import { admitWorkspace, chooseRuntime } from './runtime.ts'
import { storeCredentials } from '../credentials.ts'
import { bringOwn } from '../own-credentials.ts'
import { checkQuotas } from '../quotas.ts'
import { personOf } from '../person.ts'
import { checkVariables } from '../deployments/check-variables.ts'
import { presentDeployment } from '../deployments/present.ts'
import { atVersion } from './at-version.ts'

type Body = ParsedInput<'createRelease'>['body']

/**
 * Makes the next release of a deployment from one that it has: the one that serves, or else the newest, or the one that
 * is named (a rollback). What serves goes on until the new release has answered.
 * @throws CatwalkError `deployment_not_found`, `deployment_deleting`, `release_not_found`, `invalid_variable`,
 *   `version_not_found`, `package_index_unavailable`, `no_executable`, `invalid_request` when nothing would change,
 *   `quota_exceeded`
 */
export async function createRelease(
  ctx: ServiceContext,
  { params, body }: ParsedInput<'createRelease'>,
): Promise<RouteOutput<'createRelease'>> {
  const given = Object.entries(body.variables)
  const values = checkVariables(
    Object.fromEntries(given.flatMap(([name, value]) => (value === null ? [] : [[name, value]]))),
  )
  const removed = new Set(given.flatMap(([name, value]) => (value === null ? [name] : [])))
  const { workspaceId } = ctx.actor
  const deploymentId = await queries.deploymentId(ctx.db, workspaceId, params.id)
  // Looked up before the transaction, which must not wait for an index; releases never change.
  const base = await baseRelease(ctx.db, deploymentId, body.from)
  const launchSpec =
    body.version === undefined
      ? base.launch_spec
      : await atVersion(ctx, deploymentId, base.launch_spec, body.version)
  const versionChanged = launchSpec !== base.launch_spec
  const { network = base.settings.network } = body
  const { personal = base.settings.personal ?? [] } = body
  const accounts =
    body.accounts === undefined ? (base.settings.accounts ?? {}) : await accountSources(ctx, body.accounts)
  const fromAccounts = Object.keys(accounts)
  const twice = values.find(([name]) => body.accounts?.[name] !== undefined)?.[0]
  if (twice !== undefined) {
    throw new CatwalkError('invalid_variable', `${twice} comes from an account and has a value as well.`, {
      details: { field: 'accounts' },
    })
  }
  for (const name of [...(body.personal ?? []), ...Object.keys(body.accounts ?? {})]) {
    const isKnown = base.launch_spec.variables.some((variable) => variable.name === name)
    const problem = isKnown ? null : variableProblem(name, 'value')
    if (problem === null && !removed.has(name)) continue
    const message = `The variable ${JSON.stringify(name.slice(0, 80))} ${problem ?? 'is taken away'}.`
    throw new CatwalkError('invalid_variable', message, { details: { field: 'personal' } })
  }
  const runtime = chooseRuntime(
    ctx.installation.runtimes,
    body.runtime ?? base.settings.runtime,
    { network, personal, memoryMiB: body.memoryMiB },
    launchSpec.package.kind,
  )
  const moved = runtime !== base.settings.runtime
  await admitWorkspace(ctx.installation.runtimes, runtime, workspaceId)
  if (isUnchanged(body, versionChanged)) {
    throw new CatwalkError('invalid_request', 'The new release would be the same as the one that serves.', {
      help: 'Say what to change: a version, variables, arguments, settings, or an old release to go back to.',
    })
  }

  return ctx.db.transaction().execute(async (tx) => {
    const deployment = await queries.lockDeployment(tx, workspaceId, deploymentId)
    if (deployment.desired === 'deleted') {
      throw new CatwalkError('deployment_deleting', `The deployment '${deployment.slug}' is being deleted.`)
    }
    const memoryMiB = body.memoryMiB ?? base.settings.memoryMiB
    const newest = await queries.newestRelease(tx, deploymentId)
    // Less is always allowed, also where a quota was lowered meanwhile.
    if (memoryMiB > newest.settings.memoryMiB) await checkQuotas(tx, ctx, deploymentId, memoryMiB)
    const isOwn = (name: string): boolean => personal.includes(name)
    const hasNoVersion = (name: string): boolean => isOwn(name) || fromAccounts.includes(name)
    const shared = values.filter(([name]) => !isOwn(name))
    const stored = await storeCredentials(tx, ctx.vault, { workspaceId, deploymentId }, shared)
    const own = values.filter(([name]) => isOwn(name))
    await bringOwn(tx, ctx, deploymentId, await personOf(ctx), own)
    const kept = Object.entries(base.credential_versions).filter(
      ([name]) => !removed.has(name) && !hasNoVersion(name),
    )
    const versions = { ...Object.fromEntries(kept), ...stored }
    const spec = withVariables(
      withArguments(launchSpec, body.args),
      [...Object.keys(stored), ...personal, ...fromAccounts],
      removed,
    )
    const before = [...(base.settings.personal ?? []), ...Object.keys(base.settings.accounts ?? {})]
    checkShared(before, [...personal, ...fromAccounts], removed, versions)
    const releaseId = newId('release')
    const number = await queries.insertRelease(tx, {
      id: releaseId,
      workspaceId,
      deploymentId,
      launchSpec: spec,
      settings: {
        ...base.settings,
        personal: [...new Set(personal)],
        accounts,
        runtime,
        ...(body.network === undefined ? {} : { network: body.network }),
        ...(body.allowScripts === undefined ? {} : { allowScripts: body.allowScripts }),
        memoryMiB,
      },
      credentialVersions: versions,
      // The same package keeps the very versions that it was tried with; another runtime may have another Python.
      lockFile: versionChanged || moved ? null : base.lock_file,
      createdBy: ctx.actor.id,
    })
    await queries.setRuntime(tx, deploymentId, runtime)
    // Unchanged, but the reconciler must look again.
    await queries.setDesired(tx, deploymentId, deployment.desired)
    const what = summary(body, base, launchSpec)
    await queries.insertEvent(tx, {
      workspaceId,
      deploymentId,
      releaseId,
      kind: 'release.created',
      message: `Release ${number}, ${what}, created by ${ctx.actor.label}.`,
      data: { number, state: 'pending', from: base.number },
    })
    await queries.recordAudit(tx, {
      actor: ctx.actor,
      action: 'release.create',
      target: deploymentId,
      detail: { number, from: base.number, changes: what, variables: given.map(([name]) => name) },
    })
    await queries.announce(tx, 'deployment', deploymentId)
    return presentDeployment(ctx.publicUrl, await queries.findDeploymentView(tx, workspaceId, deploymentId))
  })
}

async function baseRelease(
  db: queries.Handle,
  deploymentId: string,
  from: number | undefined,
): Promise<queries.ReleaseRow> {
  if (from !== undefined) return queries.findReleaseByNumber(db, deploymentId, from)
  return (await queries.liveRelease(db, deploymentId)) ?? queries.newestRelease(db, deploymentId)
}

/** Whether the request names nothing that makes another release of it. */
function isUnchanged(body: Body, versionChanged: boolean): boolean {
  const { from, args, accounts, personal, runtime, network, allowScripts, memoryMiB, variables } = body
  if (versionChanged || Object.keys(variables).length > 0) return false
  return [from, args, accounts, personal, runtime, network, allowScripts, memoryMiB].every(
    (value) => value === undefined,
  )
}

/** What was everybody's own until now needs a value for all. */
function checkShared(
  before: readonly string[],
  personal: readonly string[],
  removed: ReadonlySet<string>,
  versions: Readonly<Record<string, number>>,
): void {
  const name = before.find((one) => !personal.includes(one) && !removed.has(one) && !(one in versions))
  if (name === undefined) return
  throw new CatwalkError('missing_variable', `${name} is to be shared, and has no value for all.`, {
    help: 'Give it a value, or take the variable away.',
    details: { field: 'personal' },
  })
}

function withArguments(spec: LaunchSpec, args: readonly string[] | undefined): LaunchSpec {
  return args === undefined ? spec : { ...spec, userArgs: args }
}

function withVariables(spec: LaunchSpec, names: readonly string[], removed: ReadonlySet<string>): LaunchSpec {
  const declared = spec.variables.filter(({ name }) => !removed.has(name))
  const known = new Set(declared.map(({ name }) => name))
  const added = [...new Set(names)].filter((name) => !known.has(name))
  return {
    ...spec,
    variables: [
      ...declared,
      ...added.map((name) => ({ name, description: null, required: true, secret: true, default: null })),
    ],
  }
}

function summary(body: Body, base: queries.ReleaseRow, spec: LaunchSpec): string {
  const names = Object.keys(body.variables)
  const { args, accounts, personal, runtime, network, allowScripts, memoryMiB } = body
  const parts = [
    ...(spec === base.launch_spec ? [] : [`version ${describePackage(spec.package).version}`]),
    ...(names.length === 0 ? [] : [`variables ${names.join(', ')}`]),
    ...(args === undefined ? [] : ['arguments']),
    ...(accounts === undefined ? [] : ['accounts']),
    ...(personal === undefined ? [] : ['what each member brings']),
    ...(runtime === undefined ? [] : [`runtime ${runtime}`]),
    ...([network, allowScripts, memoryMiB].every((value) => value === undefined) ? [] : ['settings']),
  ]
  if (parts.length === 0) return `v${base.number} again`
  return body.from === undefined
    ? `changed: ${parts.join(', ')}`
    : `v${base.number} with changed ${parts.join(', ')}`
}
