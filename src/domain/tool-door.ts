import { hash } from 'node:crypto'
import { MOST_SETS, NO_CAPABILITIES, type Offers } from './capability-set.ts'
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
  /** Capability sets that were recorded, with whether those clients are offered the same as others. Earlier versions say nothing. */
  readonly sets?: Readonly<Record<string, boolean>>
}

/** The same, made ready for calls. */
export interface KnownTools extends Omit<ToolSheet, 'pins' | 'sets'> {
  /** Null where nothing is set and nothing is stopped. */
  readonly rules: ToolRules | null
  readonly pins: ReadonlyMap<string, readonly string[]> | null
  readonly sets: ReadonlyMap<string, boolean>
}

export function knownTools(sheet: ToolSheet): KnownTools {
  const { settings, stopped, pins, sets = {} } = sheet
  return {
    ...sheet,
    rules: createToolRules(settings, stopped),
    pins: pins === null ? null : new Map(Object.entries(pins)),
    sets: new Map(Object.entries(sets)),
  }
}

export function toolSheet({ settings, pinning, stopped, releaseId, pins, sets }: KnownTools): ToolSheet {
  const approved = pins === null ? null : Object.fromEntries(pins)
  return { settings, pinning, stopped, releaseId, pins: approved, sets: Object.fromEntries(sets) }
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
  /** Whether it was recorded what clients with these capabilities are offered; before that nothing of it can have changed. */
  knows(set: string): boolean
  /** Takes all that the server offers clients with these capabilities. The first time it is approved, unless pinning is strict. */
  offered(set: string, offers: Offers): void
  /** Calls `listener` whenever clients would see another list, until the returned function is called. */
  onChange(listener: () => void): () => void
}

/** The same with what its rules come from, so that a bridge elsewhere can be told. */
export interface InstanceTools extends ToolDoor {
  readonly source: ToolSource
}

/** Where a door says what it was shown. Neither may throw or wait. */
export interface ToolNotices {
  /** Takes tools that are not as approved. */
  readonly report: (tools: readonly JsonObject[]) => void
  /** Takes what clients with certain capabilities are offered, when that is new or another. */
  readonly record: (set: string, offers: Offers) => void
}

/** Of what is kept for one capability set. */
const MOST_OFFER_BYTES = 1024 * 1024

/**
 * The door of one instance. A definition that is not approved stops its tool here at once; everywhere else as soon as the
 * source knows of it.
 * @param releaseId whose instance it is: only lists of the live release are compared
 */
export function createToolDoor(
  source: ToolSource,
  releaseId: string,
  { report, record }: ToolNotices,
): InstanceTools {
  const sighted = new Map<string, { readonly hash: string; readonly kind: ToolBlock }>()
  /** Digests of what was recorded here, by capability set. */
  const recorded = new Map<string, string>()
  /** Hashes that were approved with it, for as long as the source does not say so. */
  const approved = new Map<string, Set<string>>()
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
    for (const [name, { hash: seen }] of sighted)
      if (known.pins?.get(name)?.includes(seen) === true) sighted.delete(name)
    const stopped = [...sighted].filter(([, { kind }]) => isStopped(kind, known.pinning))
    const kinds = stopped.map(([name, { kind }]) => [name, kind] as const)
    return createToolRules(known.settings, { ...known.stopped, ...Object.fromEntries(kinds) })
  }

  const knows = (set: string): boolean =>
    set === NO_CAPABILITIES || recorded.has(set) || source.current()?.sets.has(set) === true

  function compare(pins: NonNullable<KnownTools['pins']>, listed: readonly JsonObject[]) {
    const merged = new Map(pins)
    for (const [name, hashes] of approved) merged.set(name, [...(pins.get(name) ?? []), ...hashes])
    return differences(merged, listed)
  }

  function saw(listed: readonly JsonObject[]): void {
    const known = source.current()
    if (known === undefined || known.releaseId !== releaseId) return
    const { pins } = known
    if (pins === null) return report(listed)
    const found = compare(pins, listed)
    if (found.length === 0) return
    for (const { name, hash: seen, kind } of found) sighted.set(name, { hash: seen, kind })
    of = null
    report(found.map(({ definition }) => definition))
  }

  function approve(pins: NonNullable<KnownTools['pins']>, listed: readonly JsonObject[]): void {
    for (const { name, hash: seen } of compare(pins, listed)) {
      // What was seen before and not approved is not approved by being seen again.
      if (sighted.get(name)?.hash === seen) continue
      approved.set(name, (approved.get(name) ?? new Set<string>()).add(seen))
    }
  }

  return {
    get rules() {
      return current()
    },
    source,
    saw,
    knows,
    offered(set, offers) {
      const known = source.current()
      if (known === undefined || known.releaseId !== releaseId) return
      const { pins, pinning } = known
      const text = JSON.stringify(offers)
      const isKept = recorded.has(set) || recorded.size < MOST_SETS
      if (isKept && Buffer.byteLength(text) <= MOST_OFFER_BYTES) {
        if (pins !== null && !knows(set) && pinning !== 'strict') approve(pins, offers.tools)
        const digest = hash('sha1', text)
        if (recorded.get(set) !== digest) record(set, offers)
        recorded.set(set, digest)
      }
      // A release from before there were pins gets them with the record.
      if (pins !== null) saw(offers.tools)
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
