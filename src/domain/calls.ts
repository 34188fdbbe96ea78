import type { RequestReport } from './endpoint.ts'

/** `limited` and `unavailable`: the gateway itself turned it away, so that method and name are not known. */
export type CallOutcome = RequestReport['outcome'] | 'limited' | 'unavailable'

/** Who called what, when, with what outcome; never what was in it. */
export interface CallRecord {
  readonly at: Date
  readonly workspaceId: string
  readonly deploymentId: string
  /** Null for a person or API key. */
  readonly tokenId: string | null
  readonly subject: string
  /** Of MCP; null when it is not known. */
  readonly method: string | null
  /** The tool, prompt or resource; null when the method has none. */
  readonly name: string | null
  readonly outcome: CallOutcome
  readonly durationMs: number
  readonly requestId: string
  /** 32 hexadecimal digits; null when it belongs to no trace. */
  readonly traceId: string | null
}

/** Calls that wait to be written, in the form in which they will be. */
export interface CallSheet {
  readonly count: number
  /** False when the sheet is full; the call is not on it then. */
  add(call: CallRecord): boolean
  /** What is written, until the next call is added. */
  rows(): Uint8Array
  /** Takes everything off, to be used again. */
  clear(): void
}

/** Upper bounds of the latency histogram, in milliseconds; a last bucket takes what is slower. */
export const LATENCY_BOUNDS_MS = [
  1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000,
] as const

/** Which bucket of the histogram a duration falls into. */
export function latencyBucket(durationMs: number): number {
  const index = LATENCY_BOUNDS_MS.findIndex((bound) => durationMs <= bound)
  return index === -1 ? LATENCY_BOUNDS_MS.length : index
}

/** What was counted in one minute, of one method and name with one token. */
export interface UsageMinute {
  readonly minute: Date
  readonly deploymentId: string
  /** Empty for people and API keys. */
  readonly tokenId: string
  readonly method: string
  readonly name: string
  readonly calls: number
  /** Calls that did not succeed; those that their callers cancelled are none. */
  readonly errors: number
  /** By bucket, see {@link LATENCY_BOUNDS_MS}. */
  readonly latency: readonly number[]
}
