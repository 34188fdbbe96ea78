import { isDeepStrictEqual } from 'node:util'
import { queries } from '../../db/index.ts'
import { differences, offersOf, pinsOf, withPins, type JsonObject, type Offers } from '../../domain/index.ts'
import { program } from './note.ts'

/**
 * Keeps what a running server offers clients with certain capabilities. The first time its tools are approved, as those
 * of a release are when it goes live: all but those that were seen before and not approved, and none where pinning is
 * strict. What changes later is found by comparing with what is approved then.
 * @param releaseId whose process it was; nothing happens when it is not live any more
 */
export async function noteOffers(
  db: queries.Handle,
  deploymentId: string,
  releaseId: string,
  set: string,
  offers: Offers,
): Promise<void> {
  await db.transaction().execute(async (tx) => {
    const row = await queries.readTools(tx, deploymentId, true)
    const live = row?.live ?? null
    if (row === null || live === null || live.releaseId !== releaseId) return
    const isKnown = Object.hasOwn(live.sets, set)
    const others = offersOf(live.seen ?? live.manifest)
    const own = isDeepStrictEqual(offers, others) ? null : offers
    const isSame = isKnown && isDeepStrictEqual(live.sets[set], own)
    const approved = isKnown || row.pinning === 'strict' ? [] : unseen(live, offers.tools)
    if (approved.length > 0) {
      const pins = withPins(live.pins ?? pinsOf(live.manifest.tools), pinsOf(approved))
      await queries.setToolPins(tx, releaseId, pins, live.sightings)
      const tools = approved.slice(0, MOST_NAMED).map(({ name }) => name ?? null)
      await queries.recordAudit(tx, {
        actor: program(row.workspaceId),
        action: 'tool.recorded',
        target: deploymentId,
        detail: { capabilities: set, tools },
      })
    }
    await queries.saveOffers(tx, { workspaceId: row.workspaceId, releaseId }, set, own, approved)
    if (!isSame) await queries.announce(tx, 'deployment', deploymentId)
  })
}

const MOST_NAMED = 500

/** Tools that are neither approved as they are nor known for not being it. */
function unseen(
  { pins, manifest, sightings }: NonNullable<queries.ToolsRow['live']>,
  tools: readonly JsonObject[],
): readonly JsonObject[] {
  const refused = new Map(Object.entries(sightings))
  return differences(new Map(Object.entries(pins ?? pinsOf(manifest.tools))), tools)
    .filter(({ name, hash }) => refused.get(name)?.hash !== hash)
    .map(({ definition }) => definition)
}
