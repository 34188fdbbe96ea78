import type { ParsedInput, RouteOutput } from '../../contract/index.ts'
import { queries } from '../../db/index.ts'
import { CatwalkError, pinsOf, quoted } from '../../domain/index.ts'
import type { ServiceContext } from '../context.ts'
import { notLive, present } from './list.ts'

/**
 * Decides about a tool whose definition is not the one that was approved: accepts exactly the definition that was shown,
 * or keeps it stopped.
 * @throws CatwalkError `deployment_not_found`, `deployment_not_running`, `tool_not_found` when nothing is to be decided,
 *   `tool_changed_again` when the server has changed the tool once more since
 */
export async function decideAboutTool(
  ctx: ServiceContext,
  { params, body }: ParsedInput<'decideAboutTool'>,
): Promise<RouteOutput<'decideAboutTool'>> {
  return ctx.db.transaction().execute(async (tx) => {
    const { id } = await queries.lockDeployment(tx, ctx.actor.workspaceId, params.id)
    const row = await queries.readTools(tx, id)
    if (row === null || row.live === null) throw notLive()
    const { live } = row
    const { tool, decision } = body
    const sightings = new Map(Object.entries(live.sightings))
    const sighting = sightings.get(tool)
    if (sighting === undefined) {
      throw new CatwalkError('tool_not_found', `Nothing is to be decided about the tool ${quoted(tool)}.`)
    }
    if (sighting.hash !== body.hash) {
      throw new CatwalkError('tool_changed_again', `The tool ${quoted(tool)} is another one by now.`)
    }
    const pins = new Map(Object.entries(live.pins ?? pinsOf(live.manifest.tools)))
    if (decision === 'accept') {
      sightings.delete(tool)
      pins.set(tool, [...(pins.get(tool) ?? []), sighting.hash])
    } else sightings.set(tool, { ...sighting, kept: true })
    const next = { ...live, pins: Object.fromEntries(pins), sightings: Object.fromEntries(sightings) }
    await queries.setToolPins(tx, live.releaseId, next.pins, next.sightings)
    await queries.recordAudit(tx, {
      actor: ctx.actor,
      action: decision === 'accept' ? 'tool.accept' : 'tool.keep_blocked',
      target: id,
      detail: { tool, hash: sighting.hash },
    })
    await queries.announce(tx, 'deployment', id)
    return present(row, next)
  })
}
