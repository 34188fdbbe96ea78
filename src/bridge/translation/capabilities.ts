import type { JsonObject } from '../../domain/index.ts'
import { TASKS_EXTENSION, type LegacyVersion } from '../../protocol/index.ts'
import { isObject } from '../processes/handshake.ts'

/** The first revision with tasks, and the last before they became an extension that is another thing. */
const WITH_TASKS: LegacyVersion = '2025-11-25'

/**
 * What a client declares, for a server of the other era: tasks mean something else there, and nobody can tell it that
 * the roots have changed (2026-07-28 has no such notification).
 */
export function clientAcross(declared: JsonObject): JsonObject {
  const { roots, ...capabilities } = serverAcross(declared)
  return roots === undefined ? capabilities : { ...capabilities, roots: {} }
}

/** What a server offers, for a client of the other era. */
export function serverAcross(offered: JsonObject): JsonObject {
  const { tasks: _, ...capabilities } = offered
  return withoutTasksExtension(capabilities)
}

/** What a legacy server offers, for a client of the same era that may speak an earlier revision. */
export function serverAt(version: LegacyVersion, offered: JsonObject): JsonObject {
  if (version >= WITH_TASKS) return offered
  const { tasks: _, ...capabilities } = offered
  return capabilities
}

/** Without the tasks of the modern era. */
export function withoutTasksExtension(capabilities: JsonObject): JsonObject {
  const { extensions, ...rest } = capabilities
  if (!isObject(extensions) || !(TASKS_EXTENSION in extensions)) return capabilities
  const { [TASKS_EXTENSION]: _, ...others } = extensions
  return Object.keys(others).length > 0 ? { ...rest, extensions: others } : rest
}
