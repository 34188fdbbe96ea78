export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject
export interface JsonObject {
  readonly [key: string]: JsonValue
}

/** Which protocol eras a server speaks: with the `initialize` handshake, without one (since 2026-07-28), or either. */
export type ServerEra = 'legacy' | 'modern' | 'dual'

/**
 * What a server said of itself when it was probed, kept with the release: the result of `initialize` or `server/discover` and every list,
 * unpaginated. Items are as the server sent them.
 */
export interface Manifest {
  /** Absent in manifests of versions that only knew the legacy era. */
  readonly era?: ServerEra
  readonly protocolVersion: string
  readonly serverInfo: JsonObject
  readonly capabilities: JsonObject
  readonly instructions: string | null
  readonly tools: readonly JsonObject[]
  readonly resources: readonly JsonObject[]
  readonly resourceTemplates: readonly JsonObject[]
  readonly prompts: readonly JsonObject[]
}
