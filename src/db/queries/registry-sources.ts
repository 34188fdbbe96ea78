import { sql } from 'kysely'
import type { RegistryName, RegistryPage } from '../../domain/index.ts'
import type { Handle } from './handle.ts'
import {
  deleteRegistryServers,
  deleteUnseenRegistryServers,
  upsertRegistryServers,
} from './registry-servers.ts'

export interface RegistrySourceRow {
  readonly name: RegistryName
  readonly url: string
  readonly crawl_began_at: Date | null
  readonly synced_at: Date | null
  readonly failed_at: Date | null
  readonly failure: string | null
  readonly next_at: Date
  readonly servers: number
}

/** A crawl that this node may go on with. */
export interface ClaimedCrawl {
  readonly source: RegistryName
  readonly nodeId: string
  readonly crawl: string
  readonly cursor: string | null
  readonly since: Date | null
  readonly pages: number
}

export interface ClaimOptions {
  readonly url: string
  readonly nodeId: string
  /** Whether the registry can tell what changed. */
  readonly tellsChanges: boolean
  /** Age at which everything is read again. */
  readonly fullEverySeconds: number
}

/** Longer than one page with all its attempts. */
const LEASE_SECONDS = 120
/** A cursor may mean nothing any more when a crawl is as old as this. */
const CRAWL_SECONDS = 86_400
/** Clocks differ, and what was being written at the last look shows only later. Seeing something twice does no harm. */
const OVERLAP_SECONDS = 3_600

/** Registries that are mirrored; each knows those that are not configured any more only by their absence. */
export async function listRegistrySources(db: Handle): Promise<readonly RegistrySourceRow[]> {
  const { rows } = await sql<RegistrySourceRow>`
    select name, url, crawl_began_at, synced_at, failed_at, failure, next_at,
      (select count(*)::int4 from registry_servers s where s.source = r.name) as servers
    from registry_sources r order by name desc`.execute(db)
  return rows
}

/** Enters the registries that are configured and forgets the others with all that they listed. */
export async function enterRegistrySources(
  db: Handle,
  sources: readonly { readonly name: RegistryName; readonly url: string }[],
): Promise<void> {
  await sql`delete from registry_sources where name <> all (${sources.map(({ name }) => name)}::text[])`.execute(
    db,
  )
  for (const { name, url } of sources) {
    await sql`
      insert into registry_sources (name, url) values (${name}, ${url})
      on conflict (name) do update set url = excluded.url, crawl_began_at = null, cursor = null, synced_at = null,
        full_synced_at = null, failed_at = null, failure = null, failures = 0, next_at = now(),
        lease_holder = null, lease_until = null
      where registry_sources.url <> excluded.url`.execute(db)
  }
}

/** Makes them due now. */
export async function hastenRegistrySources(db: Handle): Promise<void> {
  await sql`update registry_sources set next_at = now()`.execute(db)
}

/**
 * Takes the lease of a registry's crawl: the one that was interrupted, by whomever, or a new one. Null when none is due
 * or another node is at it. A node gets back what it held itself, so that a restart goes on at once.
 */
export async function claimCrawl(
  db: Handle,
  source: RegistryName,
  { url, nodeId, tellsChanges, fullEverySeconds }: ClaimOptions,
): Promise<ClaimedCrawl | null> {
  const { rows } = await sql<{ crawl: string; cursor: string | null; since: Date | null; pages: number }>`
    update registry_sources set
      lease_holder = ${nodeId},
      lease_until = now() + make_interval(secs => ${LEASE_SECONDS}),
      crawl = case when fresh then crawl + 1 else crawl end,
      crawl_began_at = case when fresh then now() else crawl_began_at end,
      crawl_pages = case when fresh then 0 else crawl_pages end,
      cursor = case when fresh then null else cursor end,
      crawl_since = case
        when not fresh then crawl_since
        when ${tellsChanges} and full_synced_at > now() - make_interval(secs => ${fullEverySeconds})
          then synced_at - make_interval(secs => ${OVERLAP_SECONDS})
        end
    from (
      select name as due,
        crawl_began_at is null or crawl_began_at < now() - make_interval(secs => ${CRAWL_SECONDS}) as fresh
      from registry_sources
      where name = ${source} and url = ${url} and next_at <= now()
        and (lease_holder is null or lease_holder = ${nodeId} or lease_until < now())
      for update skip locked
    ) as claimed
    where name = due
    returning crawl, cursor, crawl_since as since, crawl_pages as pages`.execute(db)
  const [row] = rows
  return row === undefined ? null : { source, nodeId, ...row }
}

/** Keeps a page and the cursor behind it, both or neither. False when another node has taken over. */
export async function saveRegistryPage(
  db: Handle,
  claimed: ClaimedCrawl,
  page: RegistryPage,
): Promise<boolean> {
  return db.transaction().execute(async (tx) => {
    const { rows } = await sql`
      update registry_sources set cursor = ${page.nextCursor}, crawl_pages = crawl_pages + 1,
        lease_until = now() + make_interval(secs => ${LEASE_SECONDS})
      where ${held(claimed)} returning 1`.execute(tx)
    if (rows.length === 0) return false
    const entries = page.changes.flatMap((change) => (change.kind === 'present' ? [change.entry] : []))
    const gone = page.changes.flatMap((change) => (change.kind === 'gone' ? [change.name] : []))
    await upsertRegistryServers(tx, claimed.source, claimed.crawl, entries)
    await deleteRegistryServers(tx, claimed.source, gone)
    return true
  })
}

/** Ends a crawl that has seen the last page; one of everything removes what it did not see. */
export async function finishCrawl(
  db: Handle,
  claimed: ClaimedCrawl,
  nextInSeconds: number,
): Promise<boolean> {
  return db.transaction().execute(async (tx) => {
    const { rows } = await sql`
      update registry_sources set synced_at = crawl_began_at,
        full_synced_at = case when crawl_since is null then crawl_began_at else full_synced_at end,
        crawl_began_at = null, cursor = null, crawl_since = null, failed_at = null, failure = null, failures = 0,
        next_at = now() + make_interval(secs => ${nextInSeconds}), lease_holder = null, lease_until = null
      where ${held(claimed)} returning 1`.execute(tx)
    if (rows.length === 0) return false
    if (claimed.since === null) await deleteUnseenRegistryServers(tx, claimed.source, claimed.crawl)
    return true
  })
}

/** Ends an attempt. With `restart` the next one reads everything from the beginning, otherwise it goes on. */
export async function failCrawl(
  db: Handle,
  claimed: ClaimedCrawl,
  message: string,
  {
    restart,
    retryInSeconds,
  }: { readonly restart: boolean; readonly retryInSeconds: (failures: number) => number },
): Promise<boolean> {
  return db.transaction().execute(async (tx) => {
    const { rows } = await sql<{ failures: number }>`
      update registry_sources set failed_at = now(), failure = ${message}, failures = failures + 1,
        crawl_began_at = case when ${restart} then null else crawl_began_at end,
        full_synced_at = case when ${restart} then null else full_synced_at end,
        lease_holder = null, lease_until = null
      where ${held(claimed)} returning failures`.execute(tx)
    const [row] = rows
    if (row === undefined) return false
    await sql`update registry_sources set next_at = now() + make_interval(secs => ${retryInSeconds(row.failures)})
      where name = ${claimed.source}`.execute(tx)
    return true
  })
}

function held({ source, nodeId, crawl }: ClaimedCrawl) {
  return sql<boolean>`name = ${source} and lease_holder = ${nodeId} and crawl = ${crawl}`
}
