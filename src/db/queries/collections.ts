import { sql } from 'kysely'
import { CatwalkError, quoted, type AccessMode, type ToolListing } from '../../domain/index.ts'
import type { Handle } from './handle.ts'

export interface CollectionRow {
  readonly id: string
  readonly workspace_id: string
  readonly slug: string
  readonly name: string
  readonly access: AccessMode
  readonly allowed_origins: readonly string[]
  readonly listing: ToolListing
  readonly search_over: number
  /** RFC 3339. */
  readonly created_at: Date
  /** In their order. */
  readonly members: readonly {
    readonly deployment_id: string
    readonly prefix: string
    readonly slug: string
    readonly name: string
    /** Of the live release; null while there is none. */
    readonly tools: readonly string[] | null
    readonly prompts: readonly string[] | null
    readonly uris: readonly string[] | null
  }[]
}

const names = (list: 'tools' | 'prompts' | 'resources', key: 'name' | 'uri') =>
  sql`(select jsonb_agg(item -> ${sql.lit(key)}) from jsonb_array_elements(coalesce(r.seen_manifest, r.manifest) -> ${sql.lit(list)}) item)`

async function select(db: Handle, workspaceId: string, idOrSlug: string | null): Promise<CollectionRow[]> {
  const { rows } = await sql<CollectionRow>`
    select d.id, d.workspace_id, d.slug, d.name, d.access, d.allowed_origins, c.listing, c.search_over, d.created_at,
      coalesce((
        select jsonb_agg(jsonb_build_object('deployment_id', s.id, 'prefix', m.prefix, 'slug', s.slug, 'name', s.name,
          'tools', ${names('tools', 'name')}, 'prompts', ${names('prompts', 'name')},
          'uris', ${names('resources', 'uri')}) order by m.position)
        from collection_members m
        join deployments s on s.id = m.deployment_id
        left join releases r on r.id = s.live_release_id
        where m.collection_id = d.id
      ), '[]') as members
    from deployments d join collections c on c.deployment_id = d.id
    where d.workspace_id = ${workspaceId}
      and (${idOrSlug}::text is null or d.id = ${idOrSlug} or d.slug = ${idOrSlug})
    order by d.created_at desc, d.id desc`.execute(db)
  return rows
}

/** All collections of a workspace, newest first. */
export async function listCollections(db: Handle, workspaceId: string): Promise<readonly CollectionRow[]> {
  return select(db, workspaceId, null)
}

/**
 * One collection of a workspace.
 * @throws CatwalkError `collection_not_found`, for another workspace's as well
 */
export async function findCollection(
  db: Handle,
  workspaceId: string,
  idOrSlug: string,
): Promise<CollectionRow> {
  const [row] = await select(db, workspaceId, idOrSlug)
  if (row !== undefined) return row
  throw new CatwalkError(
    'collection_not_found',
    `There is no collection ${quoted(idOrSlug)} in this workspace.`,
  )
}

/**
 * The same, locked until the transaction ends.
 * @throws CatwalkError `collection_not_found`, for another workspace's as well
 */
export async function lockCollection(
  tx: Handle,
  workspaceId: string,
  idOrSlug: string,
): Promise<CollectionRow> {
  await tx
    .selectFrom('deployments')
    .select('id')
    .where('workspace_id', '=', workspaceId)
    .where('kind', '=', 'collection')
    .where((where) => where.or([where('id', '=', idOrSlug), where('slug', '=', idOrSlug)]))
    .forUpdate()
    .execute()
  return findCollection(tx, workspaceId, idOrSlug)
}

/** Adds a collection without members. `taken` when another endpoint has the slug. */
export async function insertCollection(
  tx: Handle,
  row: {
    readonly id: string
    readonly workspace_id: string
    readonly slug: string
    readonly name: string
    readonly listing: ToolListing
    readonly search_over: number
  },
): Promise<'inserted' | 'taken'> {
  const { id, workspace_id, slug, name, listing, search_over } = row
  const inserted = await tx
    .insertInto('deployments')
    .values({
      id,
      workspace_id,
      slug,
      name,
      kind: 'collection',
      source: 'collection',
      // Never looked at: nothing of it runs, and it is never due.
      runtime: 'local',
      desired: 'stopped',
      next_at: null,
    })
    .onConflict((conflict) => conflict.column('slug').doNothing())
    .returning('id')
    .executeTakeFirst()
  if (inserted === undefined) return 'taken'
  await tx.insertInto('collections').values({ deployment_id: id, listing, search_over }).execute()
  return 'inserted'
}

/** Writes all that can be changed of a collection but its members. */
export async function setCollection(
  tx: Handle,
  {
    id,
    name,
    access,
    allowed_origins,
    listing,
    search_over,
  }: Pick<CollectionRow, 'id' | 'name' | 'access' | 'allowed_origins' | 'listing' | 'search_over'>,
): Promise<void> {
  await tx
    .updateTable('deployments')
    .set({ name, access, allowed_origins: [...allowed_origins], updated_at: sql<Date>`now()` })
    .where('id', '=', id)
    .execute()
  await tx.updateTable('collections').set({ listing, search_over }).where('deployment_id', '=', id).execute()
}

/** Adds a member behind the others, or changes its prefix where it stands. */
export async function addCollectionMember(
  tx: Handle,
  collectionId: string,
  deploymentId: string,
  prefix: string,
): Promise<void> {
  await sql`
    insert into collection_members (collection_id, deployment_id, prefix, position)
    select ${collectionId}, ${deploymentId}, ${prefix}, coalesce(max(position), 0) + 1
    from collection_members where collection_id = ${collectionId}
    on conflict (collection_id, deployment_id) do update set prefix = excluded.prefix`.execute(tx)
}

/** Whether there was such a member. */
export async function removeCollectionMember(
  tx: Handle,
  collectionId: string,
  deploymentId: string,
): Promise<boolean> {
  const removed = await tx
    .deleteFrom('collection_members')
    .where('collection_id', '=', collectionId)
    .where('deployment_id', '=', deploymentId)
    .returning('deployment_id')
    .executeTakeFirst()
  return removed !== undefined
}

/** Deletes a collection with its tokens and connections; its members stay. */
export async function deleteCollection(tx: Handle, id: string): Promise<void> {
  await tx.deleteFrom('deployments').where('id', '=', id).where('kind', '=', 'collection').execute()
}
