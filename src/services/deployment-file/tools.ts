import { queries } from '../../db/index.ts'
import { pinsOf, quoted, type Analysis, type ToolPins, type ToolSetting } from '../../domain/index.ts'
import type { File } from './seal.ts'

type Tools = NonNullable<File['tools']>

const MOST_NAMED = 10

/** What is set for the tools of a deployment, and which definitions are accepted for its release; by name, in order. */
export async function toolsForFile(db: queries.Handle, deploymentId: string): Promise<Tools> {
  const row = await queries.readTools(db, deploymentId)
  const settings = new Map(Object.entries(row?.settings ?? {}))
  const live = row?.live ?? null
  const pins = live === null ? await queries.importedPins(db, deploymentId) : acceptedOf(live)
  const accepted = new Map(Object.entries(pins))
  const names = [...new Set([...settings.keys(), ...accepted.keys()])].toSorted()
  return {
    pinning: row?.pinning ?? 'changed',
    items: names.map((tool) => {
      const { disabled, name, title, description, annotations } = settings.get(tool) ?? {}
      const hashes = accepted.get(tool)
      return {
        tool,
        ...(disabled === undefined ? {} : { disabled }),
        ...(name === undefined ? {} : { name }),
        ...(title === undefined ? {} : { title }),
        ...(description === undefined ? {} : { description }),
        ...(annotations === undefined ? {} : { annotations }),
        ...(hashes === undefined ? {} : { accepted: [...hashes] }),
      }
    }),
  }
}

/** Pins besides those of what the release offered when it was probed. */
function acceptedOf(live: NonNullable<queries.ToolsRow['live']>): ToolPins {
  if (live.pins === null) return {}
  const own = new Map(Object.entries(pinsOf(live.manifest.tools)))
  return Object.fromEntries(
    Object.entries(live.pins).flatMap(([name, hashes]) => {
      const more = hashes.filter((hash) => own.get(name)?.includes(hash) !== true)
      return more.length === 0 ? [] : [[name, more]]
    }),
  )
}

/** Writes what a file sets for tools to a new deployment. What it accepts is approved once its release is live. */
export async function storeTools(
  tx: queries.Handle,
  deploymentId: string,
  releaseId: string,
  { pinning, items }: Tools,
): Promise<void> {
  const settings = items.flatMap((item): [string, ToolSetting][] => {
    const { tool, disabled, name, title, description, annotations } = item
    const kept: ToolSetting = {
      ...(disabled === undefined ? {} : { disabled }),
      ...(name === undefined ? {} : { name }),
      ...(title === undefined ? {} : { title }),
      ...(description === undefined ? {} : { description }),
      ...(annotations === undefined ? {} : { annotations: given(annotations) }),
    }
    return Object.keys(kept).length === 0 ? [] : [[tool, kept]]
  })
  const accepted = items.flatMap(({ tool, accepted: hashes = [] }) =>
    hashes.length === 0 ? [] : [[tool, hashes] as const],
  )
  await queries.setToolSettings(tx, deploymentId, Object.fromEntries(settings))
  await queries.setToolPinning(tx, deploymentId, pinning)
  if (accepted.length > 0) await queries.setToolPins(tx, releaseId, Object.fromEntries(accepted), {})
}

/** What in it has to be confirmed, because it decides what models read, what clients ask about, and what is stopped. */
export function warningsOfTools(tools: File['tools']): Analysis['warnings'] {
  if (tools === undefined) return []
  const described = tools.items.filter(
    ({ name, title, description, annotations }) =>
      (name ?? title ?? description ?? annotations) !== undefined,
  )
  const accepted = tools.items.filter(({ accepted: hashes = [] }) => hashes.length > 0)
  const found = [
    described.length > 0 && {
      code: 'describes_tools',
      message: `It names or describes tools otherwise than the server does: ${namesOf(described)}.`,
    },
    accepted.length > 0 && {
      code: 'accepts_tools',
      message: `It accepts other definitions of tools than the server has at first: ${namesOf(accepted)}.`,
    },
    tools.pinning === 'off' && {
      code: 'stops_no_tools',
      message: 'No tool is stopped when the running server changes it.',
    },
  ]
  return found.filter((warning) => warning !== false)
}

function given(hints: Readonly<Record<string, boolean | undefined>>): Record<string, boolean> {
  return Object.fromEntries(
    Object.entries(hints).flatMap(([name, hint]) => (hint === undefined ? [] : [[name, hint]])),
  )
}

function namesOf(items: Tools['items']): string {
  const named = items.slice(0, MOST_NAMED).map(({ tool }) => quoted(tool))
  return items.length > named.length
    ? `${named.join(', ')} and ${items.length - named.length} more`
    : named.join(', ')
}
