import { sql } from 'kysely'
import type { Manifest, ToolPinning, ToolPins, ToolSettings, ToolSightings } from '../../domain/index.ts'
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
  } | null
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
  }>`
    select d.workspace_id, d.tool_settings, d.tool_pinning, r.id as release_id, r.manifest, r.seen_manifest,
      r.tool_pins, r.tool_sightings
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
