/** Revisions with the `initialize` handshake that are spoken over Streamable HTTP, newest first. */
export const LEGACY_VERSIONS = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'] as const
export type LegacyVersion = (typeof LEGACY_VERSIONS)[number]

export const LATEST_LEGACY: LegacyVersion = '2025-11-25'

export function isLegacyVersion(version: string): version is LegacyVersion {
  return LEGACY_VERSIONS.some((known) => known === version)
}

/**
 * The version of a session whose server process was initialised by us: the client's wish, unless the server is older.
 * @param asked by the client
 * @param spoken by the server
 */
export function negotiate(asked: string, spoken: LegacyVersion): LegacyVersion {
  // Revisions are dates, so they compare as text.
  return isLegacyVersion(asked) && asked <= spoken ? asked : spoken
}

/** Only this revision has batches. */
export function hasBatches(version: LegacyVersion): boolean {
  return version === '2025-03-26'
}

/** Whether a stream starts with an empty event that carries an id (SSE polling, 2025-11-25). */
export function hasPrimingEvent(version: LegacyVersion): boolean {
  return version >= '2025-11-25'
}

/** Revisions without a handshake, newest first: each request says who asks, what it can do and which revision it speaks. */
export const MODERN_VERSIONS = ['2026-07-28'] as const

export const LATEST_MODERN = MODERN_VERSIONS[0]

/** Names the tasks of the modern era among the `extensions` in capabilities. */
export const TASKS_EXTENSION = 'io.modelcontextprotocol/tasks'

export function isModernVersion(version: string): boolean {
  return MODERN_VERSIONS.some((known) => known === version)
}
