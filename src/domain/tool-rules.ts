import { CatwalkError } from './errors.ts'
import type { JsonObject } from './manifest.ts'
import { quoted } from './quoted.ts'

/** What an owner has set for one tool; a member that is not there is as the server says. */
export interface ToolSetting {
  readonly disabled?: true
  /** The name that clients use in place of the server's own. */
  readonly name?: string
  readonly title?: string
  readonly description?: string
  /** Put over the server's own annotations, one by one, such as `readOnlyHint`. */
  readonly annotations?: JsonObject
}

/** By the server's own names. */
export type ToolSettings = Readonly<Record<string, ToolSetting>>

/** Why a tool is stopped: its definition is not the one that was pinned, or it was not there when it was. */
export type ToolBlock = 'changed' | 'new'

/** How the tools of a server look from outside. */
export interface ToolRules {
  /** Differs whenever clients would see another list. */
  readonly version: string
  /** The server's own name of the tool that a client calls `name`, or why it must not be called. */
  enter(name: string): string | CatwalkError
  /** The server's tools as clients see them, or as many of them as are given. */
  show(tools: readonly JsonObject[]): readonly JsonObject[]
}

/**
 * The rules of a deployment, which cost its calls two look-ups in memory; null when nothing is set or stopped, so that
 * they cost nothing.
 */
export function createToolRules(
  settings: ToolSettings,
  blocked: Readonly<Record<string, ToolBlock>> = {},
): ToolRules | null {
  const set = new Map(Object.entries(settings))
  const stopped = new Map(Object.entries(blocked))
  if (set.size === 0 && stopped.size === 0) return null
  const ownNames = new Map<string, string>()
  for (const [own, { name }] of set) if (name !== undefined) ownNames.set(name, own)

  return {
    version: JSON.stringify([settings, blocked]),
    enter(name) {
      const own = ownNames.get(name) ?? name
      const setting = set.get(own)
      const block = stopped.get(own)
      if (setting?.disabled === true) return disabled(name)
      if (block !== undefined) return isBlocked(name, block)
      if (setting?.name !== undefined && setting.name !== name) return renamed(name, setting.name)
      return own
    },
    show: (tools) =>
      tools.flatMap((tool) => {
        const { name } = tool
        if (typeof name !== 'string') return [tool]
        const setting = set.get(name)
        if (setting?.disabled === true || stopped.has(name)) return []
        // A tool that came later under a name that another one was given does not take its place.
        const taken = ownNames.get(name)
        if (taken !== undefined && taken !== name && setting?.name === undefined) return []
        return [setting === undefined ? tool : annotate(tool, setting)]
      }),
  }
}

function annotate(tool: JsonObject, { name, title, description, annotations }: ToolSetting): JsonObject {
  return {
    ...tool,
    ...(name === undefined ? {} : { name }),
    ...(title === undefined ? {} : { title }),
    ...(description === undefined ? {} : { description }),
    ...(annotations === undefined
      ? {}
      : { annotations: { ...objectOf(tool['annotations']), ...annotations } }),
  }
}

function objectOf(value: JsonObject[string] | undefined): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {}
  // Array.isArray does not take readonly arrays away from the type.
  return value as JsonObject
}

function disabled(name: string): CatwalkError {
  return new CatwalkError('tool_disabled', `The tool ${quoted(name)} is switched off.`)
}

function isBlocked(name: string, block: ToolBlock): CatwalkError {
  const why = block === 'changed' ? 'has changed since it was approved' : 'is new and was not approved yet'
  return new CatwalkError('tool_blocked', `The tool ${quoted(name)} ${why}, so it is stopped.`)
}

function renamed(name: string, now: string): CatwalkError {
  return new CatwalkError('tool_renamed', `The tool ${quoted(name)} is called ${quoted(now)} here.`)
}
