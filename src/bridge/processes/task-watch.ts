import type { JsonObject, JsonValue } from '../../domain/index.ts'
import { TASKS_EXTENSION } from '../../protocol/index.ts'

/** The tasks of one server process that have not ended, as far as its messages tell. */
export interface TaskWatch {
  /** Looks at a message of the server, if it is about a task. */
  saw(line: Buffer): void
  /** Whether a task is under way that was heard of within the last hour. `now`: coarse milliseconds. */
  underWay(now: number): boolean
}

const TASK_ID = /"taskId"\s*:\s*"((?:[^"\\]|\\.){1,200})"/
const STATUS = /"status"\s*:\s*"(working|input_required|completed|failed|cancelled)"/
/** Whether a server has tasks, by its answer to the first request of its era. */
export function offersTasks(answer: JsonObject | null): boolean {
  const capabilities = memberOf(answer, 'capabilities')
  const extensions = memberOf(capabilities, 'extensions')
  return memberOf(capabilities, 'tasks') !== undefined || memberOf(extensions, TASKS_EXTENSION) !== undefined
}

function memberOf(value: JsonValue | undefined, name: string): JsonValue | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  return (value as JsonObject)[name]
}

const MAX_TASKS = 1000
const UNHEARD_MS = 3_600_000
const LOOKED_AT_BYTES = 65_536

/**
 * Tasks outlive the request that made them, in both eras (2025-11-25, tasks; 2026-07-28, tasks extension): a process that
 * works on one is not idle.
 * @param isOffered whether the server has them; nothing is looked at otherwise
 */
export function createTaskWatch(isOffered: () => boolean, now: () => number): TaskWatch {
  const heardAt = new Map<string, number>()
  return {
    saw(line) {
      if (!isOffered() || line.length > LOOKED_AT_BYTES) return
      const text = line.toString('latin1')
      const id = TASK_ID.exec(text)?.[1]
      const status = STATUS.exec(text)?.[1]
      if (id === undefined || status === undefined) return
      heardAt.delete(id)
      if ((status === 'working' || status === 'input_required') && heardAt.size < MAX_TASKS)
        heardAt.set(id, now())
    },
    underWay(at) {
      for (const [id, since] of heardAt) if (at - since > UNHEARD_MS) heardAt.delete(id)
      return heardAt.size > 0
    },
  }
}
