import type { Caller, JsonObject } from '../domain/index.ts'
import { TASKS_EXTENSION, type Envelope } from '../protocol/index.ts'
import { isObject } from './json.ts'

/** One request that a client sent to a collection, as the bridge passes it on. */
export interface Request {
  readonly line: Buffer
  readonly envelope: Envelope
  readonly method: string
  /** The letters of its id. */
  readonly id: string
  /** Null for the bridge's own. */
  readonly caller: Caller | null
  /** Aborted when the client wants no answer any more. */
  readonly signal: AbortSignal
  /** Sends one message back. Resolves when more can be sent. */
  send(message: string | Buffer): Promise<void>
  /** Sends a notification that only this request's client may hear; false when nobody hears it. */
  tell(message: Buffer): boolean
  succeed(result: JsonObject): Promise<void>
  fail(code: number, message: string): Promise<void>
}

/** For whom members are asked, and for how long. */
export interface Asking {
  /** What the client declares that their lists may depend on. */
  readonly declared: JsonObject
  readonly signal: AbortSignal
}

export function askingFor(request: Request): Asking {
  return { declared: declaredIn(request), signal: request.signal }
}

/** What the client declares, but for tasks: a collection has none. */
export function declaredIn({ line, envelope: { metaCapabilities: span } }: Request): JsonObject {
  const value: unknown = span === null ? {} : JSON.parse(line.toString('utf8', span.start, span.end))
  const { extensions, ...declared } = isObject(value) ? value : {}
  if (!isObject(extensions)) return declared
  const { [TASKS_EXTENSION]: _, ...others } = extensions
  return Object.keys(others).length > 0 ? { ...declared, extensions: others } : declared
}

export function paramsOf({ line, envelope: { params } }: Request): JsonObject {
  if (params === null) return {}
  const value: unknown = JSON.parse(line.toString('utf8', params.start, params.end))
  return isObject(value) ? value : {}
}
