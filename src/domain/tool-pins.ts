import { hash } from 'node:crypto'
import type { JsonObject, JsonValue } from './manifest.ts'
import type { ToolBlock } from './tool-rules.ts'

/** Hashes of the definitions that are approved, by the server's own name of the tool. */
export type ToolPins = Readonly<Record<string, readonly string[]>>

/**
 * Which tools are stopped that a running server lists without a new release. `changed`: those with another definition
 * than the one that was approved. `strict`: those as well that were not there.
 */
export type ToolPinning = 'off' | 'changed' | 'strict'

/** A definition that a running server showed and that nobody has approved. */
export interface ToolSighting {
  readonly kind: ToolBlock
  readonly hash: string
  readonly definition: JsonObject
  /** RFC 3339, of the first time. */
  readonly seenAt: string
  /** Whether somebody looked at it and decided that it stays stopped. */
  readonly kept?: true
}

export type ToolSightings = Readonly<Record<string, ToolSighting>>

/** SHA-256, in hexadecimal, of all that a server says of a tool, in whatever order it says it. */
export function hashOfTool(tool: JsonObject): string {
  return hash('sha256', canonical(tool))
}

/** What is approved when a release goes live. */
export function pinsOf(tools: readonly JsonObject[]): ToolPins {
  const pins = new Map<string, string[]>()
  for (const tool of tools) {
    const { name } = tool
    if (typeof name === 'string') pins.set(name, [...(pins.get(name) ?? []), hashOfTool(tool)])
  }
  return Object.fromEntries(pins)
}

/** What is approved in one or the other. */
export function withPins(pins: ToolPins, more: ToolPins | null): ToolPins {
  const all = new Map(Object.entries(pins))
  for (const [name, hashes] of Object.entries(more ?? {})) {
    all.set(name, [...new Set([...(all.get(name) ?? []), ...hashes])])
  }
  return Object.fromEntries(all)
}

/** Which of these tools are not as approved. */
export function differences(
  pins: ReadonlyMap<string, readonly string[]>,
  tools: readonly JsonObject[],
): readonly (Pick<ToolSighting, 'kind' | 'hash' | 'definition'> & { readonly name: string })[] {
  return tools.flatMap((definition) => {
    const { name } = definition
    if (typeof name !== 'string') return []
    const pinned = pins.get(name)
    const seen = hashOfTool(definition)
    if (pinned?.includes(seen) === true) return []
    return [{ name, kind: pinned === undefined ? 'new' : 'changed', hash: seen, definition }]
  })
}

/** Whether a sighting stops the tool. */
export function isStopped(kind: ToolBlock, pinning: ToolPinning): boolean {
  return pinning === 'strict' || (pinning === 'changed' && kind === 'changed')
}

/** JSON with the members of each object in the order of their names, so that equal values are equal texts. */
function canonical(value: JsonValue): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map((item: JsonValue) => canonical(item)).join(',')}]`
  const members = Object.entries(value as JsonObject).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(',')}}`
}
