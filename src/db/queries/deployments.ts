import { sql } from 'kysely'
import {
  CatwalkError,
  quoted,
  type AccessMode,
  type DesiredState,
  type ProcessPolicy,
  type RuntimeKind,
} from '../../domain/index.ts'
import type { Handle } from './handle.ts'

export interface DeploymentRow {
  readonly id: string
  readonly workspace_id: string
  readonly slug: string
  readonly name: string
  readonly source: string
  readonly runtime: RuntimeKind
  readonly slot: number
  readonly desired: DesiredState
  readonly generation: number
  readonly restart_count: number
  readonly live_release_id: string | null
  readonly failures: number
  readonly processes: ProcessPolicy
  readonly stateful: boolean
  readonly asleep: boolean
  readonly always_on: boolean
  readonly idle_timeout_s: number | null
}

const COLUMNS = [
  'id',
  'workspace_id',
  'slug',
  'name',
  'source',
  'runtime',
  'slot',
  'desired',
  'generation',
  'restart_count',
  'live_release_id',
  'failures',
  'processes',
  'stateful',
  'asleep',
  'always_on',
  'idle_timeout_s',
] as const

function notFound(idOrSlug: string): CatwalkError {
  return new CatwalkError(
    'deployment_not_found',
    `There is no deployment ${quoted(idOrSlug)} in this workspace.`,
  )
}

/** Adds a deployment that should run. `taken` when another has the slug. */
export async function insertDeployment(
  db: Handle,
  row: {
    readonly id: string
    readonly workspace_id: string
    readonly slug: string
    readonly name: string
    readonly source: string
    readonly tracked: string | null
    readonly runtime: RuntimeKind
  },
): Promise<'inserted' | 'taken'> {
  const inserted = await db
    .insertInto('deployments')
    .values({ ...row, desired: 'running' })
    .onConflict((conflict) => conflict.column('slug').doNothing())
    .returning('id')
    .executeTakeFirst()
  return inserted === undefined ? 'taken' : 'inserted'
}

/** Says where the newest release of a deployment is to run. */
export async function setRuntime(tx: Handle, id: string, runtime: RuntimeKind): Promise<void> {
  await tx.updateTable('deployments').set({ runtime }).where('id', '=', id).execute()
}

/**
 * Locks a deployment of the workspace until the transaction ends.
 * @throws CatwalkError `deployment_not_found`, for another workspace's as well
 */
export async function lockDeployment(
  tx: Handle,
  workspaceId: string,
  idOrSlug: string,
): Promise<DeploymentRow> {
  const row = await tx
    .selectFrom('deployments')
    .select(COLUMNS)
    .where('workspace_id', '=', workspaceId)
    .where('kind', '=', 'server')
    .where((where) => where.or([where('id', '=', idOrSlug), where('slug', '=', idOrSlug)]))
    .forUpdate()
    .executeTakeFirst()
  if (row === undefined) throw notFound(idOrSlug)
  return row
}

/**
 * The id of a deployment of the workspace.
 * @throws CatwalkError `deployment_not_found`, for another workspace's as well
 */
export async function deploymentId(db: Handle, workspaceId: string, idOrSlug: string): Promise<string> {
  const row = await db
    .selectFrom('deployments')
    .select('id')
    .where('workspace_id', '=', workspaceId)
    .where('kind', '=', 'server')
    .where((where) => where.or([where('id', '=', idOrSlug), where('slug', '=', idOrSlug)]))
    .executeTakeFirst()
  if (row === undefined) throw notFound(idOrSlug)
  return row.id
}

/** Whatever has an endpoint: a deployment or a collection. */
export interface EndpointRow {
  readonly id: string
  readonly workspace_id: string
  readonly slug: string
}

/**
 * What of the workspace has an endpoint.
 * @throws CatwalkError `deployment_not_found`, for another workspace's as well
 */
export async function findEndpoint(db: Handle, workspaceId: string, idOrSlug: string): Promise<EndpointRow> {
  const row = await selectEndpoint(db, workspaceId, idOrSlug).executeTakeFirst()
  if (row === undefined) throw notFound(idOrSlug)
  return row
}

/**
 * The same, locked until the transaction ends.
 * @throws CatwalkError `deployment_not_found`, for another workspace's as well
 */
export async function lockEndpoint(tx: Handle, workspaceId: string, idOrSlug: string): Promise<EndpointRow> {
  const row = await selectEndpoint(tx, workspaceId, idOrSlug).forUpdate().executeTakeFirst()
  if (row === undefined) throw notFound(idOrSlug)
  return row
}

// The type is what Kysely makes of the columns.
// eslint-disable-next-line typescript/explicit-function-return-type
function selectEndpoint(db: Handle, workspaceId: string, idOrSlug: string) {
  return db
    .selectFrom('deployments')
    .select(['id', 'workspace_id', 'slug'])
    .where('workspace_id', '=', workspaceId)
    .where((where) => where.or([where('id', '=', idOrSlug), where('slug', '=', idOrSlug)]))
}

/** Writes what the owner wants and makes the reconciler look at once. */
export async function setDesired(tx: Handle, id: string, desired: DesiredState): Promise<void> {
  await tx
    .updateTable('deployments')
    .set((set) => ({
      desired,
      generation: set('generation', '+', 1),
      failures: 0,
      // A wish of the owner wakes it; calls are not waited for.
      asleep: false,
      next_at: sql<Date>`now()`,
    }))
    .where('id', '=', id)
    .execute()
}

/** Asks for new instances in place of the running ones. */
export async function countRestart(tx: Handle, id: string): Promise<void> {
  await tx
    .updateTable('deployments')
    .set((set) => ({ restart_count: set('restart_count', '+', 1) }))
    .where('id', '=', id)
    .execute()
}

export interface EndpointSettings {
  readonly access: AccessMode
  readonly allowedOrigins: string[]
  readonly processes: ProcessPolicy
  readonly stateful: boolean
  readonly keepsData: boolean
  readonly alwaysOn: boolean
  /** Null for the installation's own. */
  readonly idleTimeoutS: number | null
}

/** The settings of a deployment that there is. */
export async function endpointSettings(db: Handle, id: string): Promise<EndpointSettings> {
  const row = await db
    .selectFrom('deployments')
    .select([
      'access',
      'allowed_origins',
      'processes',
      'stateful',
      'keeps_data',
      'always_on',
      'idle_timeout_s',
    ])
    .where('id', '=', id)
    .executeTakeFirstOrThrow()
  return {
    access: row.access,
    allowedOrigins: [...row.allowed_origins],
    processes: row.processes,
    stateful: row.stateful,
    keepsData: row.keeps_data,
    alwaysOn: row.always_on,
    idleTimeoutS: row.idle_timeout_s,
  }
}

/** Writes all settings of a deployment. */
export async function setEndpointSettings(tx: Handle, id: string, settings: EndpointSettings): Promise<void> {
  await tx
    .updateTable('deployments')
    .set({
      access: settings.access,
      allowed_origins: settings.allowedOrigins,
      processes: settings.processes,
      stateful: settings.stateful,
      keeps_data: settings.keepsData,
      always_on: settings.alwaysOn,
      idle_timeout_s: settings.idleTimeoutS,
      // Who could not hold it before perhaps can now, and what sleeps perhaps must not.
      next_at: sql<Date>`coalesce(next_at, now())`,
    })
    .where('id', '=', id)
    .execute()
}
