import {
  createToolDoor,
  knownTools,
  type InstanceTools,
  type JsonObject,
  type KnownTools,
  type ToolSheet,
} from '../../domain/index.ts'
import type { Journal } from '../elsewhere/index.ts'

/** Of definitions in one entry of the journal, so that none is too long a line for who reads it. */
const ENTRY_BYTES = 1024 * 1024

/** What stands between clients and tools in a machine: the installation says what is set, and is told what is listed. */
export interface ToolLink {
  readonly door: InstanceTools
  /** Takes what is set from now on. */
  set(sheet: ToolSheet): void
}

export function createToolLink(sheet: ToolSheet, releaseId: string, journal: Journal): ToolLink {
  const listeners = new Set<() => void>()
  let known: KnownTools = knownTools(sheet)
  const source = {
    current: () => known,
    onChange(listener: () => void) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
  return {
    door: createToolDoor(source, releaseId, {
      report(listed) {
        for (const tools of inParts(listed)) journal.add({ kind: 'tools_seen', tools })
      },
      record: (set, offers) => journal.add({ kind: 'offers_seen', set, offers }),
    }),
    set(next) {
      known = knownTools(next)
      for (const listener of listeners) listener()
    },
  }
}

function inParts(tools: readonly JsonObject[]): readonly (readonly JsonObject[])[] {
  return JSON.stringify(tools).length <= ENTRY_BYTES ? [tools] : tools.map((tool) => [tool])
}
