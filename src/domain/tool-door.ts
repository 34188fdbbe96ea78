import type { JsonObject } from './manifest.ts'
import { differences, isStopped, type ToolPinning, type ToolPins } from './tool-pins.ts'
import { createToolRules, type ToolBlock, type ToolRules, type ToolSettings } from './tool-rules.ts'

/** What is set, approved and stopped of a deployment's tools, as data that another process can be told. */
export interface ToolSheet {
  readonly settings: ToolSettings
  readonly pinning: ToolPinning
  readonly stopped: Readonly<Record<string, ToolBlock>>
  /** The live release that the rest is of. */
  readonly releaseId: string | null
  /** Approved hashes by the server's own name; null for a release from before there were pins. */
  readonly pins: ToolPins | null
}

/** The same, made ready for calls. */
export interface KnownTools extends Omit<ToolSheet, 'pins'> {
  /** Null where nothing is set and nothing is stopped. */
  readonly rules: ToolRules | null
  readonly pins: ReadonlyMap<string, readonly string[]> | null
}

export function knownTools(sheet: ToolSheet): KnownTools {
  const { settings, stopped, pins } = sheet
  return {
    ...sheet,
    rules: createToolRules(settings, stopped),
    pins: pins === null ? null : new Map(Object.entries(pins)),
  }
}

export function toolSheet({ settings, pinning, stopped, releaseId, pins }: KnownTools): ToolSheet {
  return { settings, pinning, stopped, releaseId, pins: pins === null ? null : Object.fromEntries(pins) }
}

/** Where it is known what is set for tools. Answers from memory. */
export interface ToolSource {
  /** Another object whenever anything about it has changed. */
  current(): KnownTools | undefined
  /** Calls `listener` after changes, of this or of something else, until the returned function is called. */
  onChange(listener: () => void): () => void
}

/** What stands between the clients of a server and its tools. Asked at every call, so it answers from memory. */
export interface ToolDoor {
  /** Null: everything passes as it is. */
  readonly rules: ToolRules | null
  /** Takes what the server lists, all of it or a page, before anybody is shown it. What is stopped for it is so at once. */
  saw(tools: readonly JsonObject[]): void
  /** Calls `listener` whenever clients would see another list, until the returned function is called. */
  onChange(listener: () => void): () => void
}

/** The same with what its rules come from, so that a bridge elsewhere can be told. */
export interface InstanceTools extends ToolDoor {
  readonly source: ToolSource
}

/**
 * The door of one instance. A definition that is not approved stops its tool here at once; everywhere else as soon as the
 * source knows of it.
 * @param releaseId whose instance it is: only lists of the live release are compared
 * @param report takes tools that are not as approved. Must not throw and must not wait
 */
export function createToolDoor(
  source: ToolSource,
  releaseId: string,
  report: (tools: readonly JsonObject[]) => void,
): InstanceTools {
  const sighted = new Map<string, { readonly hash: string; readonly kind: ToolBlock }>()
  let of: KnownTools | null = null
  let rules: ToolRules | null = null

  function current(): ToolRules | null {
    const known = source.current()
    if (known === undefined) return null
    if (sighted.size === 0) return known.rules
    if (of !== known) {
      of = known
      rules = withSighted(known)
    }
    return rules
  }

  function withSighted(known: KnownTools): ToolRules | null {
    if (known.releaseId !== releaseId) return known.rules
    // What was approved in the meantime stops nothing any more.
    for (const [name, { hash }] of sighted)
      if (known.pins?.get(name)?.includes(hash) === true) sighted.delete(name)
    const stopped = [...sighted].filter(([, { kind }]) => isStopped(kind, known.pinning))
    const kinds = stopped.map(([name, { kind }]) => [name, kind] as const)
    return createToolRules(known.settings, { ...known.stopped, ...Object.fromEntries(kinds) })
  }

  return {
    get rules() {
      return current()
    },
    source,
    saw(listed) {
      const known = source.current()
      if (known === undefined || known.releaseId !== releaseId) return
      const { pins } = known
      if (pins === null) return report(listed)
      const found = differences(pins, listed)
      if (found.length === 0) return
      for (const { name, hash, kind } of found) sighted.set(name, { hash, kind })
      of = null
      report(found.map(({ definition }) => definition))
    },
    onChange(listener) {
      let version = current()?.version
      return source.onChange(() => {
        const now = current()?.version
        if (now === version) return
        version = now
        listener()
      })
    },
  }
}
