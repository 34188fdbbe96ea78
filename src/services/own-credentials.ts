import type { ParsedInput, RouteOutput } from '../contract/index.ts'
import { queries } from '../db/index.ts'
import { CatwalkError, quoted } from '../domain/index.ts'
import type { ServiceContext } from './context.ts'
import { storePersonalCredentials } from './credentials.ts'
import { personOf } from './person.ts'

type OwnCredentials = RouteOutput<'getOwnCredentials'>

const MAX_VALUE_LETTERS = 65_536

/**
 * Deployments where the one who asks brings their own credentials.
 * @throws CatwalkError `nobody_behind_call`
 */
export async function listOwnCredentials(ctx: ServiceContext): Promise<RouteOutput<'listOwnCredentials'>> {
  const person = await requirePerson(ctx)
  const rows = await reachable(ctx, person, null)
  return { items: await Promise.all(rows.map(async (row) => present(ctx.db, person, row))) }
}

/** @throws CatwalkError `nobody_behind_call`, `own_credentials_not_wanted` also for one that is not there */
export async function getOwnCredentials(
  ctx: ServiceContext,
  { params }: ParsedInput<'getOwnCredentials'>,
): Promise<OwnCredentials> {
  const person = await requirePerson(ctx)
  return present(ctx.db, person, await find(ctx, person, params.id))
}

/**
 * Keeps values of the one who asks for a deployment, encrypted; no other member's process ever gets them.
 * @throws CatwalkError `nobody_behind_call`, `own_credentials_not_wanted`, `invalid_variable`, `missing_variable`
 */
export async function bringOwnCredentials(
  ctx: ServiceContext,
  { params, body }: ParsedInput<'bringOwnCredentials'>,
): Promise<OwnCredentials> {
  const person = await requirePerson(ctx)
  const deployment = await find(ctx, person, params.id)
  const values = checkValues(deployment, body.values)
  await ctx.db.transaction().execute(async (tx) => {
    await queries.lockDeployment(tx, deployment.workspace_id, deployment.id)
    await storePersonalCredentials(tx, ctx.vault, ownerOf(deployment, person), values)
    await record(tx, ctx, deployment, 'own_credentials.bring', names(values))
  })
  return present(ctx.db, person, deployment)
}

/**
 * Deletes what the one who asks has brought for a deployment; their process there ends.
 * @throws CatwalkError `nobody_behind_call`, `own_credentials_not_wanted`
 */
export async function withdrawOwnCredentials(
  ctx: ServiceContext,
  { params }: ParsedInput<'withdrawOwnCredentials'>,
): Promise<OwnCredentials> {
  const person = await requirePerson(ctx)
  const deployment = await find(ctx, person, params.id)
  await ctx.db.transaction().execute(async (tx) => {
    const gone = await queries.deletePersonalCredentials(tx, { deploymentId: deployment.id, userId: person })
    await queries.deleteConnectedAccounts(tx, deployment.id, person)
    await record(tx, ctx, deployment, 'own_credentials.withdraw', gone)
  })
  return present(ctx.db, person, deployment)
}

/**
 * Keeps for whoever makes a release what they give of a credential that each member brings.
 * @throws CatwalkError `nobody_behind_call` when there is something and nobody to keep it for
 */
export async function bringOwn(
  tx: queries.Handle,
  { vault, actor: { workspaceId } }: ServiceContext,
  deploymentId: string,
  person: string | null,
  values: Iterable<readonly [name: string, value: string]>,
): Promise<void> {
  const own = [...values]
  if (own.length === 0) return
  if (person === null || !(await queries.isMember(tx, workspaceId, person))) {
    const text = `Nobody is signed in whose own value of ${names(own).join(', ')} this could be.`
    throw new CatwalkError('nobody_behind_call', text, { help: 'Leave the value out, or sign in.' })
  }
  await storePersonalCredentials(tx, vault, { workspaceId, deploymentId, person }, own)
}

async function requirePerson(ctx: ServiceContext): Promise<string> {
  const person = await personOf(ctx)
  if (person !== null) return person
  throw new CatwalkError(
    'nobody_behind_call',
    'Credentials of one’s own belong to a person who is signed in.',
  )
}

/** A key is for one workspace, whoever made it. */
async function reachable(
  { db, actor }: ServiceContext,
  person: string,
  idOrSlug: string | null,
): Promise<readonly queries.PersonalDeploymentRow[]> {
  const rows = await queries.listPersonalDeployments(db, person, idOrSlug)
  return actor.kind === 'user' ? rows : rows.filter((row) => row.workspace_id === actor.workspaceId)
}

async function find(
  ctx: ServiceContext,
  person: string,
  idOrSlug: string,
): Promise<queries.PersonalDeploymentRow> {
  const [row] = await reachable(ctx, person, idOrSlug)
  if (row !== undefined) return row
  throw new CatwalkError(
    'own_credentials_not_wanted',
    `There is no deployment ${quoted(idOrSlug)} that works with credentials of your own.`,
  )
}

function checkValues(
  { variables }: queries.PersonalDeploymentRow,
  given: Readonly<Record<string, string>>,
): readonly (readonly [string, string])[] {
  const entries = Object.entries(given)
  for (const [name, value] of entries) {
    const details = { field: `values.${name.slice(0, 80)}` }
    if (!variables.some((variable) => variable.name === name)) {
      const wanted = variables.map((variable) => variable.name).join(', ')
      const message = `It does not ask for ${quoted(name)}. It asks for: ${wanted}.`
      throw new CatwalkError('invalid_variable', message, { details })
    }
    if (variables.some((variable) => variable.name === name && variable.provider !== null)) {
      const message = `${name} is the token of an account, which is connected in the browser.`
      throw new CatwalkError('invalid_variable', message, { details })
    }
    if (value === '') throw new CatwalkError('missing_variable', `${name} has no value.`, { details })
    if (value.includes('\0') || value.length > MAX_VALUE_LETTERS) {
      const problem = value.includes('\0') ? 'contains a NUL character' : 'is longer than 64 KiB'
      throw new CatwalkError('invalid_variable', `${name} ${problem}.`, { details })
    }
  }
  return entries
}

function ownerOf(
  { id, workspace_id: workspaceId }: queries.PersonalDeploymentRow,
  person: string,
): Parameters<typeof storePersonalCredentials>[2] {
  return { workspaceId, deploymentId: id, person }
}

const names = (values: readonly (readonly [string, string])[]): string[] => values.map(([name]) => name)

async function record(
  tx: queries.Handle,
  { actor }: ServiceContext,
  deployment: queries.PersonalDeploymentRow,
  action: string,
  variables: readonly string[],
): Promise<void> {
  await queries.recordAudit(tx, {
    actor: { ...actor, workspaceId: deployment.workspace_id },
    action,
    target: deployment.id,
    detail: { variables: [...variables] },
  })
}

async function present(
  db: queries.Handle,
  person: string,
  row: queries.PersonalDeploymentRow,
): Promise<OwnCredentials> {
  const brought = new Map(
    (await queries.listPersonalCredentials(db, row.id, person)).map((one) => [one.name, one]),
  )
  return {
    deployment: { id: row.id, name: row.name, slug: row.slug },
    workspace: { id: row.workspace_id, name: row.workspace_name },
    complete: row.variables.every(({ name }) => brought.has(name)),
    credentials: row.variables.map((variable) => ({
      ...variable,
      version: brought.get(variable.name)?.version ?? null,
      broughtAt: brought.get(variable.name)?.created_at.toISOString() ?? null,
    })),
  }
}
