import type { ParsedInput, RouteOutput } from '../../contract/index.ts'
import { queries } from '../../db/index.ts'
import {
  CatwalkError,
  differingMembers,
  isStopped,
  toolsOfSets,
  type JsonObject,
} from '../../domain/index.ts'
import type { ServiceContext } from '../context.ts'

type Listing = RouteOutput<'listTools'>

/**
 * The tools of the live release, what is set for each, and what is not as it was approved.
 * @throws CatwalkError `deployment_not_found`, `deployment_not_running` while no release was ever live
 */
export async function listTools(ctx: ServiceContext, { params }: ParsedInput<'listTools'>): Promise<Listing> {
  const id = await queries.deploymentId(ctx.db, ctx.actor.workspaceId, params.id)
  const row = await queries.readTools(ctx.db, id)
  if (row === null || row.live === null) throw notLive()
  return present(row, row.live)
}

export function notLive(): CatwalkError {
  return new CatwalkError('deployment_not_running', 'No release of this deployment has answered yet.', {
    help: 'Wait until it is running, or look at why it failed.',
  })
}

/**
 * Tools by the server's own name, as far as they are known: approved, last listed, listed to clients with certain
 * capabilities, or seen and not approved.
 */
export function knownTools({
  manifest,
  seen,
  sightings,
  sets,
  approved,
}: NonNullable<queries.ToolsRow['live']>): ReadonlyMap<string, JsonObject> {
  const sighted = Object.entries(sightings).map(([name, { definition }]) => [name, definition] as const)
  const others = [...toolsOfSets(sets), ...approved, ...(seen ?? manifest).tools, ...manifest.tools]
  return new Map([...sighted, ...named(others)])
}

export function present(
  { settings, pinning }: queries.ToolsRow,
  live: NonNullable<queries.ToolsRow['live']>,
): Listing {
  const set = new Map(Object.entries(settings))
  const sightings = new Map(Object.entries(live.sightings))
  const approved = new Map(named([...live.approved, ...live.manifest.tools]))
  const items = [...knownTools(live)].map(([name, definition]) => {
    const setting = set.get(name)
    const sighting = sightings.get(name)
    const isEnabled = setting?.disabled !== true
    const isBlocked = sighting !== undefined && isStopped(sighting.kind, pinning)
    const from = approved.get(name) ?? null
    return {
      name,
      // A name that is there is what clients see.
      shownAs: isEnabled && !isBlocked ? (setting?.name ?? name) : null,
      title: text(setting?.title ?? definition['title']),
      description: text(setting?.description ?? definition['description']),
      isEnabled,
      setting: {
        name: setting?.name ?? null,
        title: setting?.title ?? null,
        description: setting?.description ?? null,
        annotations: { ...setting?.annotations },
      },
      change:
        sighting === undefined
          ? null
          : {
              kind: sighting.kind,
              hash: sighting.hash,
              isBlocked,
              isKept: sighting.kept === true,
              seenAt: sighting.seenAt,
              members: from === null ? [] : [...differingMembers(from, sighting.definition)],
              from: from === null ? null : { ...from },
              to: { ...sighting.definition },
            },
    }
  })
  return { pinning, items }
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

function named(tools: readonly JsonObject[]): [string, JsonObject][] {
  return tools.flatMap((tool) => (typeof tool['name'] === 'string' ? [[tool['name'], tool]] : []))
}
