import { hash } from 'node:crypto'
import type { JsonObject } from '../../domain/index.ts'
import { lettersOf, membersOf, textOf, type Envelope } from '../../protocol/index.ts'
import { isObject } from '../processes/handshake.ts'
import type { ModernRequest } from '../http/modern-request.ts'

/** Something that a legacy server asks its client during a call. */
export interface InputRequest {
  /** The letters of the id that the server gave it. */
  readonly id: string
  readonly method: string
  /** The letters of `{"method": …, "params": …}`. */
  readonly letters: string
}

/** What the client of a request of the modern era declares. */
export function capabilitiesOf({ body, envelope }: Pick<ModernRequest, 'body' | 'envelope'>): JsonObject {
  return envelope.metaCapabilities === null ? {} : objectAt(body, envelope.metaCapabilities)
}

/** What servers may ask their clients. */
export const INPUT_METHODS: ReadonlySet<string> = new Set([
  'elicitation/create',
  'sampling/createMessage',
  'roots/list',
])
/** `_meta` of a server's request may name the key under which the client sees it. */
const KEY_HINT = 'dev.catwalk/inputKey'
const MAX_KEY_LETTERS = 200
const OPEN_OBJECT = 0x7b

export function inputRequestOf(line: Buffer, { id, params, method }: Envelope): InputRequest | null {
  if (id === null || method === null) return null
  const rest = params === null ? '' : `,"params":${lettersOf(line, params)}`
  return {
    id: lettersOf(line, id),
    method: textOf(line, method) ?? '',
    letters: `{"method":${lettersOf(line, method)}${rest}}`,
  }
}

/** The key of a server's request: its hint, else its id if that is text; undefined leaves the choice to us. */
export function keyOf(line: Buffer, { id, meta }: Envelope): string | undefined {
  const hint = meta === null ? undefined : objectAt(line, meta)[KEY_HINT]
  const key = typeof hint === 'string' ? hint : textOf(line, id)
  return key !== undefined && key !== '' && key.length <= MAX_KEY_LETTERS ? key : undefined
}

/** The capabilities that a client must have declared to be asked this. */
export function capabilitiesFor(method: string, params: JsonObject): JsonObject {
  switch (method) {
    case 'elicitation/create':
      return { elicitation: params['mode'] === 'url' ? { url: {} } : { form: {} } }
    case 'sampling/createMessage':
      return { sampling: 'tools' in params || 'toolChoice' in params ? { tools: {} } : {} }
    default:
      return { roots: {} }
  }
}

/** Those of `required` that are not declared, or null. A bare `elicitation` stands for forms. */
export function missingCapabilities(required: JsonObject, declared: JsonObject): JsonObject | null {
  const missing: Record<string, JsonObject> = {}
  for (const [name, parts] of Object.entries(required)) {
    const there = declared[name]
    if (!isObject(there)) missing[name] = isObject(parts) ? parts : {}
    else if (isObject(parts)) {
      const implied = name === 'elicitation' && !('form' in there) && !('url' in there) ? ['form'] : []
      const absent = Object.keys(parts).filter((part) => !(part in there) && !implied.includes(part))
      if (absent.length > 0) missing[name] = Object.fromEntries(absent.map((part) => [part, {}]))
    }
  }
  return Object.keys(missing).length > 0 ? missing : null
}

/**
 * The answers that a request brings along: letters by key. Null when `inputResponses` is no object; what is no object
 * itself is no answer.
 */
export function answersIn({ body, envelope }: ModernRequest): Map<string, string> | null {
  const given = new Map<string, string>()
  const span = envelope.inputResponses
  if (span === null) return given
  if (body[span.start] !== OPEN_OBJECT) return null
  for (const [key, value] of membersOf(body, span)) {
    if (body[value.start] === OPEN_OBJECT) given.set(key, lettersOf(body, value))
  }
  return given
}

/** Says whether a retry is of the same request: method, name or URI, and arguments. */
export function digestOf({ body, envelope, method }: ModernRequest): string {
  const given: unknown =
    envelope.arguments === null
      ? {}
      : JSON.parse(body.toString('utf8', envelope.arguments.start, envelope.arguments.end))
  const salient = [
    method,
    textOf(body, envelope.name) ?? null,
    textOf(body, envelope.uri) ?? null,
    sorted(given),
  ]
  return hash('sha256', JSON.stringify(salient), 'base64url')
}

/** The JSON object in a span; empty when it is something else. */
export function objectAt(
  bytes: Buffer,
  { start, end }: { readonly start: number; readonly end: number },
): JsonObject {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8', start, end))
    return isObject(value) ? value : {}
  } catch {
    return {}
  }
}

/** With members in the order of their names, so that equal values have equal texts. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return (value as unknown[]).map(sorted)
  if (!isObject(value)) return value
  return Object.keys(value)
    .toSorted()
    .map((name) => [name, sorted(value[name])])
}
