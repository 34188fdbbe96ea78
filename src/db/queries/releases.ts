import { sql } from 'kysely'
import {
  CatwalkError,
  type LaunchSpec,
  type Manifest,
  type OffersBySet,
  type ProcessPolicy,
  type ReleaseSettings,
  type ReleaseState,
  type RuntimeKind,
  type ToolPins,
} from '../../domain/index.ts'
import type { Handle } from './handle.ts'
import { offersBySet } from './tools.ts'

/** The post-mortem kept with a failed release. */
export interface ReleaseFailure {
  readonly code: string
  readonly message: string
  readonly help: string
  readonly exitCode: number | null
  readonly signal: string | null
  readonly lastLines: readonly { at: string; stream: 'stdout' | 'stderr' | 'system'; line: string }[]
}

export interface ReleaseRow {
  readonly id: string
  readonly workspace_id: string
  readonly deployment_id: string
  readonly number: number
  readonly launch_spec: LaunchSpec
  readonly settings: ReleaseSettings
  readonly credential_versions: Readonly<Record<string, number>>
  readonly state: ReleaseState
  readonly lock_file: string | null
  readonly error: ReleaseFailure | null
  readonly created_at: Date
  readonly live_at: Date | null
}

const COLUMNS = [
  'id',
  'workspace_id',
  'deployment_id',
  'number',
  'launch_spec',
  'settings',
  'credential_versions',
  'state',
  'lock_file',
  'error',
  'created_at',
  'live_at',
] as const

export interface NewRelease {
  readonly id: string
  readonly workspaceId: string
  readonly deploymentId: string
  readonly launchSpec: LaunchSpec
  readonly settings: ReleaseSettings
  readonly credentialVersions: Readonly<Record<string, number>>
  readonly lockFile: string | null
  readonly createdBy: string
}

/**
 * Adds the next release of a deployment, whose row the caller has locked. Returns its number. Until one was live, each
 * takes over what an import accepts of its tools.
 */
export async function insertRelease(tx: Handle, release: NewRelease): Promise<number> {
  const row = await tx
    .insertInto('releases')
    .values({
      id: release.id,
      workspace_id: release.workspaceId,
      deployment_id: release.deploymentId,
      number: sql`(select coalesce(max(number), 0) + 1 from releases where deployment_id = ${release.deploymentId})`,
      launch_spec: JSON.stringify(release.launchSpec),
      settings: JSON.stringify(release.settings),
      credential_versions: JSON.stringify(release.credentialVersions),
      state: 'pending',
      lock_file: release.lockFile,
      created_by: release.createdBy,
      tool_pins: acceptedBeforehand(release.deploymentId),
    })
    .returning('number')
    .executeTakeFirstOrThrow()
  return row.number
}

/** Pins of the newest release while none was ever live; null otherwise, and where no import brought any. */
const acceptedBeforehand = (deploymentId: string) => sql<string | null>`(
  select tool_pins from releases
  where deployment_id = ${deploymentId}
    and not exists (select from releases where deployment_id = ${deploymentId} and live_at is not null)
  order by number desc limit 1)`

/** Definitions of tools that an import accepts, while no release of the deployment was ever live. */
export async function importedPins(db: Handle, deploymentId: string): Promise<ToolPins> {
  const { rows } = await sql<{ pins: ToolPins | null }>`
    select ${acceptedBeforehand(deploymentId)} as pins`.execute(db)
  return rows[0]?.pins ?? {}
}

/** Releases of a deployment, newest first. */
export async function listReleases(db: Handle, deploymentId: string): Promise<readonly ReleaseRow[]> {
  const rows = await db
    .selectFrom('releases')
    .select(COLUMNS)
    .where('deployment_id', '=', deploymentId)
    .orderBy('number', 'desc')
    .execute()
  return rows.map(withFailure)
}

/** The newest release of a deployment; every deployment has one. */
export async function newestRelease(db: Handle, deploymentId: string): Promise<ReleaseRow> {
  const row = await db
    .selectFrom('releases')
    .select(COLUMNS)
    .where('deployment_id', '=', deploymentId)
    .orderBy('number', 'desc')
    .limit(1)
    .executeTakeFirstOrThrow()
  return withFailure(row)
}

/** One release by id. */
export async function findRelease(db: Handle, id: string): Promise<ReleaseRow> {
  return withFailure(
    await db.selectFrom('releases').select(COLUMNS).where('id', '=', id).executeTakeFirstOrThrow(),
  )
}

/**
 * One release of a deployment by its number.
 * @throws CatwalkError `release_not_found`
 */
export async function findReleaseByNumber(
  db: Handle,
  deploymentId: string,
  number: number,
): Promise<ReleaseRow> {
  const row = await db
    .selectFrom('releases')
    .select(COLUMNS)
    .where('deployment_id', '=', deploymentId)
    .where('number', '=', number)
    .executeTakeFirst()
  if (row === undefined) throw new CatwalkError('release_not_found', `There is no release v${number} of it.`)
  return withFailure(row)
}

/** The number of the last release before `number` that was live once, or null. */
export async function previouslyLive(
  db: Handle,
  deploymentId: string,
  number: number,
): Promise<number | null> {
  const row = await db
    .selectFrom('releases')
    .select('number')
    .where('deployment_id', '=', deploymentId)
    .where('number', '<', number)
    .where('live_at', 'is not', null)
    .orderBy('number', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row?.number ?? null
}

/** Of the releases on a runtime that serve or are about to, what they are installed from. */
export async function releasesInUse(
  db: Handle,
  runtime: RuntimeKind,
): Promise<
  readonly (Pick<ReleaseRow, 'workspace_id' | 'launch_spec' | 'settings'> & { lock_file: string })[]
> {
  return db
    .selectFrom('releases')
    .innerJoin('deployments', 'deployments.id', 'releases.deployment_id')
    .select(['releases.workspace_id', 'releases.launch_spec', 'releases.settings', 'releases.lock_file'])
    .where('releases.lock_file', 'is not', null)
    .where(sql<string>`releases.settings ->> 'runtime'`, '=', runtime)
    .where((where) =>
      where.or([
        where('releases.id', '=', where.ref('deployments.live_release_id')),
        where('releases.state', 'in', ['pending', 'installing', 'starting', 'probing']),
      ]),
    )
    .$narrowType<{ lock_file: string }>()
    .execute()
}

/** The release that serves, or null while none does. */
export async function liveRelease(db: Handle, deploymentId: string): Promise<ReleaseRow | null> {
  const row = await db
    .selectFrom('releases')
    .innerJoin('deployments', 'deployments.live_release_id', 'releases.id')
    .select(COLUMNS.map((column) => `releases.${column}` as const))
    .where('deployments.id', '=', deploymentId)
    .executeTakeFirst()
  return row === undefined ? null : withFailure(row)
}

/** What a release offered when it was probed; null when it never answered. */
export async function manifestOf(db: Handle, releaseId: string): Promise<Manifest | null> {
  const row = await db
    .selectFrom('releases')
    .select('manifest')
    .where('id', '=', releaseId)
    .executeTakeFirstOrThrow()
  return row.manifest
}

/** What the live release offered when it was probed; null while nothing is live. */
export async function liveManifest(db: Handle, deploymentId: string): Promise<Manifest | null> {
  const row = await db
    .selectFrom('releases')
    .innerJoin('deployments', 'deployments.live_release_id', 'releases.id')
    .select('releases.manifest')
    .where('deployments.id', '=', deploymentId)
    .executeTakeFirst()
  return row?.manifest ?? null
}

/** What is known of a server without asking it. */
export interface RecordedManifest {
  readonly manifest: Manifest
  /** What clients with capabilities are offered instead. */
  readonly sets: OffersBySet
  readonly processes: ProcessPolicy
  readonly stateful: boolean
}

/** What the live release was last seen to offer, and how its sessions share processes; null while nothing is live. */
export async function recordedManifest(db: Handle, deploymentId: string): Promise<RecordedManifest | null> {
  const row = await db
    .selectFrom('deployments')
    .innerJoin('releases', 'deployments.live_release_id', 'releases.id')
    .select(['releases.manifest', 'releases.seen_manifest', 'deployments.processes', 'deployments.stateful'])
    .select(offersBySet('releases').as('sets'))
    .where('deployments.id', '=', deploymentId)
    .executeTakeFirst()
  if (row === undefined || row.manifest === null) return null
  const { sets, processes, stateful } = row
  return { manifest: row.seen_manifest ?? row.manifest, sets, processes, stateful }
}

/** The post-mortem is a document; moveRelease alone writes it, from a ReleaseFailure. */
function withFailure<T extends { error: unknown }>(
  row: T,
): Omit<T, 'error'> & { error: ReleaseFailure | null } {
  return { ...row, error: row.error as ReleaseFailure | null }
}
