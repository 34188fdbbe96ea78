import { sql } from 'kysely'
import type {
  FoundVersion,
  LaunchPackage,
  LaunchSpec,
  Manifest,
  ReleaseSettings,
  UpdateTrial,
} from '../../domain/index.ts'
import type { Handle } from './handle.ts'

/** A check that this node makes. Every write is conditional on the epoch. */
export interface ClaimedUpdate {
  readonly deploymentId: string
  readonly workspaceId: string
  readonly epoch: number
  readonly failures: number
}

/** What a check starts from. */
export interface UpdateSubject {
  readonly slug: string
  readonly tracked: string | null
  readonly launchSpec: LaunchSpec
  readonly settings: ReleaseSettings
  /** What the release offered when it was probed. */
  readonly manifest: Manifest | null
  /** What an earlier check found for the same package, so that nothing is tried twice. */
  readonly before: { readonly version: string; readonly trial: UpdateTrial | null } | null
  /** The version that was told of last. */
  readonly told: string | null
}

/** What is known of a newer version of what a deployment runs. */
export interface UpdateRow {
  readonly deploymentId: string
  readonly slug: string
  readonly name: string
  /** What serves, or what is to. */
  readonly package: LaunchPackage
  readonly phase: 'idle' | 'looking' | 'trying'
  readonly checkedAt: Date | null
  readonly failure: string | null
  /** Null where nothing newer is known. */
  readonly found: FoundVersion | null
  readonly trial: UpdateTrial | null
  readonly isSkipped: boolean
}

/** Longer than one check may take. */
const LEASE_SECONDS = 1200

/** Enters deployments that nobody looked at yet, each at some time within the interval, so that they do not come all at once. */
export async function enterUpdates(db: Handle, everySeconds: number): Promise<void> {
  await sql`
    insert into updates (deployment_id, next_at)
    select d.id, now() + make_interval(secs => random() * ${everySeconds})
    from deployments d join releases live on live.id = d.live_release_id
    where d.desired <> 'deleted' and live.launch_spec #>> '{package,kind}' <> 'remote'
      and not exists (select from updates u where u.deployment_id = d.id)
    on conflict do nothing`.execute(db)
}

/** Has a deployment looked at as soon as possible. */
export async function askForUpdate(db: Handle, deploymentId: string): Promise<void> {
  await sql`
    insert into updates (deployment_id, next_at, asked, phase) values (${deploymentId}, now(), true, 'looking')
    on conflict (deployment_id) do update set asked = true,
      phase = case when updates.lease_until > now() then updates.phase else 'looking' end`.execute(db)
}

/**
 * Takes the lease of a check that is due; null when none is. One whose package changed meanwhile is due at once.
 * @param periodic whether checks are made without being asked for
 */
export async function claimUpdate(db: Handle, periodic: boolean): Promise<ClaimedUpdate | null> {
  const { rows } = await sql<ClaimedUpdate>`
    update updates set lease_until = now() + make_interval(secs => ${LEASE_SECONDS}),
      lease_epoch = lease_epoch + 1, phase = 'looking'
    from (
      select u.deployment_id as due, d.workspace_id
      from updates u join deployments d on d.id = u.deployment_id
      left join releases live on live.id = d.live_release_id
      where d.desired <> 'deleted' and (u.lease_until is null or u.lease_until < now())
        and (u.asked or (${periodic} and (u.next_at <= now() or live.launch_spec -> 'package' <> u.base)))
      order by u.asked desc, u.next_at limit 1 for update of u skip locked
    ) as claimed
    where deployment_id = due
    returning deployment_id as "deploymentId", workspace_id as "workspaceId", lease_epoch as epoch,
      failures`.execute(db)
  return rows[0] ?? null
}

/** What a check starts from; null when the deployment is gone. */
export async function readUpdateSubject(db: Handle, deploymentId: string): Promise<UpdateSubject | null> {
  const { rows } = await sql<UpdateSubject>`
    select d.slug, d.tracked, r.launch_spec as "launchSpec", r.settings, r.manifest, u.told,
      case when u.base = r.launch_spec -> 'package' and u.version is not null
        then jsonb_build_object('version', u.version, 'trial', u.trial) end as before
    from updates u join deployments d on d.id = u.deployment_id
    join lateral (
      select * from releases r where r.deployment_id = d.id
      order by r.id = d.live_release_id desc nulls last, r.number desc limit 1
    ) r on true
    where u.deployment_id = ${deploymentId}`.execute(db)
  return rows[0] ?? null
}

/** Keeps what was found, while it is still being tried out. False when another node has taken over. */
export async function saveFound(
  db: Handle,
  claimed: ClaimedUpdate,
  base: LaunchPackage,
  found: FoundVersion,
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('updates')
    .set({
      phase: 'trying',
      base: JSON.stringify(base),
      candidate: JSON.stringify(found.package),
      version: found.version,
      published_at: found.publishedAt,
      deprecated: found.deprecated,
      trial: null,
    })
    .where('deployment_id', '=', claimed.deploymentId)
    .where('lease_epoch', '=', claimed.epoch)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/**
 * Ends a check. False when another node has taken over.
 * @param found null when nothing is newer
 */
export async function finishUpdate(
  db: Handle,
  claimed: ClaimedUpdate,
  base: LaunchPackage,
  found: (FoundVersion & { readonly trial: UpdateTrial | null }) | null,
  { told, nextInSeconds }: { readonly told: string | null; readonly nextInSeconds: number },
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('updates')
    .set({
      phase: 'idle',
      asked: false,
      lease_until: null,
      failures: 0,
      failure: null,
      checked_at: sql<Date>`now()`,
      next_at: sql<Date>`now() + make_interval(secs => ${nextInSeconds})`,
      base: JSON.stringify(base),
      candidate: found === null ? null : JSON.stringify(found.package),
      version: found?.version ?? null,
      published_at: found?.publishedAt ?? null,
      deprecated: found?.deprecated ?? null,
      trial: found === null || found.trial === null ? null : JSON.stringify(found.trial),
      told,
    })
    .where('deployment_id', '=', claimed.deploymentId)
    .where('lease_epoch', '=', claimed.epoch)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** Ends a check that failed. What an earlier one found for the same package stays. */
export async function failUpdate(
  db: Handle,
  claimed: ClaimedUpdate,
  base: LaunchPackage,
  failure: string,
  retryInSeconds: number,
): Promise<void> {
  const now = JSON.stringify(base)
  await sql`
    update updates set phase = 'idle', asked = false, lease_until = null, failures = failures + 1,
      failure = ${failure}, checked_at = now(), next_at = now() + make_interval(secs => ${retryInSeconds}),
      version = case when base = ${now}::jsonb then version end,
      candidate = case when base = ${now}::jsonb then candidate end,
      base = ${now}::jsonb
    where deployment_id = ${claimed.deploymentId} and lease_epoch = ${claimed.epoch}`.execute(db)
}

/** Gives the lease of a check back that was not made to its end; it is due again. */
export async function dropUpdate(db: Handle, claimed: ClaimedUpdate): Promise<void> {
  await db
    .updateTable('updates')
    .set({ lease_until: null })
    .where('deployment_id', '=', claimed.deploymentId)
    .where('lease_epoch', '=', claimed.epoch)
    .execute()
}

/** Names a version that nobody wants to hear of; null takes it back. */
export async function skipUpdate(db: Handle, deploymentId: string, version: string | null): Promise<void> {
  await db
    .updateTable('updates')
    .set({ skipped: version })
    .where('deployment_id', '=', deploymentId)
    .execute()
}

/** What is known of updates of one deployment of a workspace, or of all that have one. */
export async function readUpdates(
  db: Handle,
  workspaceId: string,
  deploymentId: string | null,
): Promise<readonly UpdateRow[]> {
  const { rows } = await sql<{
    deployment_id: string
    slug: string
    name: string
    package: LaunchPackage
    phase: UpdateRow['phase'] | null
    checked_at: Date | null
    failure: string | null
    candidate: LaunchPackage | null
    version: string | null
    published_at: Date | null
    deprecated: string | null
    trial: UpdateTrial | null
    skipped: string | null
  }>`
    select d.id as deployment_id, d.slug, d.name, r.launch_spec -> 'package' as package, u.phase, u.checked_at,
      u.failure, known.candidate, known.version, known.published_at, known.deprecated, known.trial, u.skipped
    from deployments d
    join lateral (
      select * from releases r where r.deployment_id = d.id
      order by r.id = d.live_release_id desc nulls last, r.number desc limit 1
    ) r on true
    left join updates u on u.deployment_id = d.id
    left join updates known on known.deployment_id = d.id and known.base = r.launch_spec -> 'package'
    where d.workspace_id = ${workspaceId} and d.desired <> 'deleted'
      and case when ${deploymentId}::text is null then known.candidate is not null else d.id = ${deploymentId} end
    order by known.published_at desc nulls last, d.id desc`.execute(db)
  return rows.map((row) => ({
    deploymentId: row.deployment_id,
    slug: row.slug,
    name: row.name,
    package: row.package,
    phase: row.phase ?? 'idle',
    checkedAt: row.checked_at,
    failure: row.failure,
    found:
      row.candidate === null || row.version === null
        ? null
        : {
            package: row.candidate,
            version: row.version,
            publishedAt: row.published_at,
            deprecated: row.deprecated,
          },
    trial: row.trial,
    isSkipped: row.version !== null && row.skipped === row.version,
  }))
}
