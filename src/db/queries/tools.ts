import { sql, type RawBuilder } from 'kysely'
import {
  MOST_SETS,
  type JsonObject,
  type Manifest,
  type Offers,
  type OffersBySet,
  type ToolPinning,
  type ToolPins,
  type ToolSettings,
  type ToolSightings,
} from '../../domain/index.ts'
import type { Handle } from './handle.ts'

/** All that is known and set about the tools of a deployment. */
export interface ToolsRow {
  readonly workspaceId: string
  readonly settings: ToolSettings
  readonly pinning: ToolPinning
  /** The rest is of the live release; null while nothing is live. */
  readonly live: {
    readonly releaseId: string
    readonly manifest: Manifest
    /** What it was last seen to offer, where that differs. */
    readonly seen: Manifest | null
    /** Null for a release that went live before there were pins. */
    readonly pins: ToolPins | null
    readonly sightings: ToolSightings
    /** What clients with capabilities are offered, as far as that was recorded. */
    readonly sets: OffersBySet
    /** Tools that were approved with those. */
    readonly approved: readonly JsonObject[]
  } | null
}

/** The recorded offers of a release by capability set, as a column. @param releases the name of its table in the query */
export function offersBySet(releases: string): RawBuilder<OffersBySet> {
  return sql<OffersBySet>`coalesce((
    select jsonb_object_agg(o.capability_set, o.offers) from release_offers o where o.release_id = ${sql.ref(`${releases}.id`)}
  ), '{}')`
}

/** @param lock whether the deployment's row stays locked until the transaction ends */
export async function readTools(db: Handle, deploymentId: string, lock = false): Promise<ToolsRow | null> {
  const { rows } = await sql<{
    workspace_id: string
    tool_settings: ToolSettings
    tool_pinning: ToolPinning
    release_id: string | null
    manifest: Manifest | null
    seen_manifest: Manifest | null
    tool_pins: ToolPins | null
    tool_sightings: ToolSightings | null
    sets: OffersBySet
    approved: readonly JsonObject[]
  }>`
    select d.workspace_id, d.tool_settings, d.tool_pinning, r.id as release_id, r.manifest, r.seen_manifest,
      r.tool_pins, r.tool_sightings, ${offersBySet('r')} as sets,
      coalesce((
        select jsonb_agg(t.tool) from release_offers o, jsonb_array_elements(o.approved) t (tool) where o.release_id = r.id
      ), '[]') as approved
    from deployments d left join releases r on r.id = d.live_release_id
    where d.id = ${deploymentId} ${lock ? sql`for update of d` : sql``}`.execute(db)
  const [row] = rows
  if (row === undefined) return null
  const { release_id: releaseId, manifest } = row
  return {
    workspaceId: row.workspace_id,
    settings: row.tool_settings,
    pinning: row.tool_pinning,
    live:
      releaseId === null || manifest === null
        ? null
        : {
            releaseId,
            manifest,
            seen: row.seen_manifest,
            pins: row.tool_pins,
            sightings: row.tool_sightings ?? {},
            sets: row.sets,
            approved: row.approved,
          },
  }
}

/** Writes what is set for tools. */
export async function setToolSettings(tx: Handle, id: string, settings: ToolSettings): Promise<void> {
  await tx
    .updateTable('deployments')
    .set({ tool_settings: JSON.stringify(settings) })
    .where('id', '=', id)
    .execute()
}

/** Writes which definitions of a release are approved, and which were seen that are not. */
export async function setToolPins(
  tx: Handle,
  releaseId: string,
  pins: ToolPins,
  sightings: ToolSightings,
): Promise<void> {
  await tx
    .updateTable('releases')
    .set({ tool_pins: JSON.stringify(pins), tool_sightings: JSON.stringify(sightings) })
    .where('id', '=', releaseId)
    .execute()
}

/** Writes which differences from what was approved stop a tool. */
export async function setToolPinning(tx: Handle, id: string, pinning: ToolPinning): Promise<void> {
  await tx.updateTable('deployments').set({ tool_pinning: pinning }).where('id', '=', id).execute()
}

/**
 * Keeps what clients with these capabilities are offered, in the place of the set that was seen longest ago when there
 * are too many.
 * @param offers null: the same as clients without capabilities
 * @param approved tools that are approved with it; of a set that is known those of then are kept
 */
export async function saveOffers(
  tx: Handle,
  { workspaceId, releaseId }: { readonly workspaceId: string; readonly releaseId: string },
  set: string,
  offers: Offers | null,
  approved: readonly JsonObject[],
): Promise<void> {
  const document = offers === null ? null : JSON.stringify(offers)
  await sql`
    insert into release_offers (workspace_id, release_id, capability_set, offers, approved)
    values (${workspaceId}, ${releaseId}, ${set}, ${document}::jsonb, ${JSON.stringify(approved)}::jsonb)
    on conflict (release_id, capability_set) do update set offers = excluded.offers, seen_at = now()`.execute(
    tx,
  )
  await sql`
    delete from release_offers where release_id = ${releaseId} and capability_set in (
      select capability_set from release_offers where release_id = ${releaseId}
      order by (capability_set = ${set}) desc, seen_at desc, capability_set offset ${MOST_SETS}
    )`.execute(tx)
}
