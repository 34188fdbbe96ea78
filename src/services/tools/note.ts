import { queries } from '../../db/index.ts'
import {
  differences,
  isStopped,
  pinsOf,
  quoted,
  type Actor,
  type JsonObject,
  type ToolSighting,
} from '../../domain/index.ts'

/** New tools that are kept of one release; a server cannot fill the database with names. */
const MAX_NEW = 500
const MAX_NAMED = 5

/**
 * Keeps what a running server lists beside what was approved with its release, tells the owner, and stops it on all
 * replicas where it is to be stopped. A release from before there were pins gets those of its manifest.
 * @param releaseId whose process listed the tools; nothing happens when it is not live any more
 */
export async function noteTools(
  db: queries.Handle,
  deploymentId: string,
  releaseId: string,
  tools: readonly JsonObject[],
): Promise<void> {
  await db.transaction().execute(async (tx) => {
    const row = await queries.readTools(tx, deploymentId, true)
    const live = row?.live ?? null
    if (row === null || live === null || live.releaseId !== releaseId) return
    const pins = live.pins ?? pinsOf(live.manifest.tools)
    const now = new Date().toISOString()
    const sightings = new Map<string, ToolSighting>(Object.entries(live.sightings))
    const fresh: ToolSighting[] = []
    const names: string[] = []
    for (const { name, kind, hash, definition } of differences(new Map(Object.entries(pins)), tools)) {
      const known = sightings.get(name)
      if (known?.hash === hash || (known === undefined && sightings.size >= MAX_NEW && kind === 'new'))
        continue
      const sighting = { kind, hash, definition, seenAt: now }
      sightings.set(name, sighting)
      // One that changes at every look is told of once.
      if (known !== undefined) continue
      fresh.push(sighting)
      names.push(name)
    }
    await queries.setToolPins(tx, releaseId, pins, Object.fromEntries(sightings))
    if (fresh.length > 0) {
      const stopped = fresh.filter(({ kind }) => isStopped(kind, row.pinning))
      const shown = names.slice(0, MAX_NAMED).map(quoted).join(', ')
      const more = names.length > MAX_NAMED ? ` and ${names.length - MAX_NAMED} more` : ''
      const what = `The running server changed or added tools without a new release: ${shown}${more}.`
      const outcome = stopped.length > 0 ? ` Stopped until somebody decides: ${stopped.length}.` : ''
      await queries.insertEvent(tx, {
        workspaceId: row.workspaceId,
        deploymentId,
        releaseId,
        kind: 'tools.sighted',
        message: what + outcome,
        data: { tools: names.slice(0, MAX_NEW), stopped: stopped.length },
      })
      await queries.recordAudit(tx, {
        actor: program(row.workspaceId),
        action: stopped.length > 0 ? 'tool.stop' : 'tool.sighted',
        target: deploymentId,
        detail: { tools: names.slice(0, MAX_NEW) },
      })
    }
    await queries.announce(tx, 'deployment', deploymentId)
  })
}

/** Who is behind what no person did. */
export function program(workspaceId: string): Actor {
  return { kind: 'system', id: 'catwalk', label: 'Catwalk', workspaceId, role: 'owner', address: null }
}
