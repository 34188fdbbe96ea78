import {
  encodeHeaderValue,
  isModernVersion,
  lettersOf,
  messageKind,
  ownNumber,
  mirroredHeaders,
  scan,
  textOf,
  type Envelope,
  type MessageKind,
  type MirroredParam,
} from '../../protocol/index.ts'

/** What is sent and received here has been looked at on the other side; this is for the call stack. */
export const MAX_DEPTH = 1000

/** A message of the bridge on its way to the remote server. */
export interface Outgoing {
  readonly bytes: Buffer
  readonly envelope: Envelope
  readonly kind: MessageKind
  readonly method: string
  /** Of a request; the bridge gives out numbers. */
  readonly id: number | null
  /** The revision that a request of the modern era names; null for the legacy era. */
  readonly modern: string | null
}

/** @throws ScanError */
export function readOutgoing(bytes: Buffer): Outgoing | null {
  const envelope = scan(bytes, { maxDepth: MAX_DEPTH, trusted: true })
  // The bridge takes batches apart.
  if ('length' in envelope) return null
  const kind = messageKind(bytes, envelope)
  if (kind === null) return null
  const version = textOf(bytes, envelope.metaVersion)
  return {
    bytes,
    envelope,
    kind,
    method: textOf(bytes, envelope.method) ?? '',
    id: kind === 'request' && envelope.id !== null ? (ownNumber(bytes, envelope.id) ?? null) : null,
    modern: version !== undefined && isModernVersion(version) ? version : null,
  }
}

export const JSON_HEADERS = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
} as const

/** What a request of the modern era repeats of its body (2026-07-28, Streamable HTTP, standard headers). */
export function modernHeaders(
  { bytes, envelope, method, modern }: Outgoing,
  paramsOf: (tool: string) => readonly MirroredParam[],
): Record<string, string> {
  const name =
    method === 'tools/call' || method === 'prompts/get'
      ? textOf(bytes, envelope.name)
      : method === 'resources/read'
        ? textOf(bytes, envelope.uri)
        : undefined
  const params = method === 'tools/call' && name !== undefined ? paramsOf(name) : []
  const given: unknown =
    params.length > 0 && envelope.arguments !== null
      ? JSON.parse(bytes.toString('utf8', envelope.arguments.start, envelope.arguments.end))
      : undefined
  return {
    ...JSON_HEADERS,
    'mcp-protocol-version': modern ?? '',
    'mcp-method': encodeHeaderValue(method),
    ...(name === undefined ? {} : { 'mcp-name': encodeHeaderValue(name) }),
    ...mirroredHeaders(params, given),
  }
}

/** Requests that change nothing, so that one whose connection broke may be sent again. */
const HARMLESS =
  /^(?:initialize|ping|server\/discover|subscriptions\/listen|logging\/setLevel|completion\/complete|(?:tools|prompts|resources|resources\/templates)\/list|resources\/(?:read|subscribe|unsubscribe)|prompts\/get)$/

export function isRepeatable({ kind, method }: Outgoing): boolean {
  return kind === 'request' && HARMLESS.test(method)
}

export function idLetters({ bytes, envelope }: Outgoing): string {
  return envelope.id === null ? 'null' : lettersOf(bytes, envelope.id)
}
