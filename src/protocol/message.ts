import type { Envelope, Span } from './envelope.ts'
import { unquote } from './scan.ts'

export type MessageKind = 'request' | 'notification' | 'response'

const QUOTE = 0x22
const MINUS = 0x2d

/** What a scanned message is, or null when it is none of the three. */
export function messageKind(bytes: Buffer, envelope: Envelope): MessageKind | null {
  if (envelope.method !== null) {
    if (bytes[envelope.method.start] !== QUOTE) return null
    if (envelope.result !== null || envelope.error !== null) return null
    if (envelope.id === null) return 'notification'
    return isId(bytes, envelope.id) ? 'request' : null
  }
  if (envelope.id === null || (envelope.result === null) === (envelope.error === null)) return null
  return isId(bytes, envelope.id) ? 'response' : null
}

/** Whether the message says that it is JSON-RPC 2.0. */
export function isJsonRpc2(bytes: Buffer, envelope: Envelope): boolean {
  return envelope.jsonrpc !== null && textOf(bytes, envelope.jsonrpc) === '2.0'
}

/** The letters of a span, one character a byte; what goes back into a message with {@link splice}. */
export function lettersOf(bytes: Buffer, span: Span): string {
  return bytes.toString('latin1', span.start, span.end)
}

/** The value of a string member, or undefined when the span holds something else. */
export function textOf(bytes: Buffer, span: Span | null): string | undefined {
  if (span === null || bytes[span.start] !== QUOTE) return undefined
  const text = bytes.toString('utf8', span.start + 1, span.end - 1)
  return text.includes('\\') ? unquote(`"${text}"`) : text
}

/**
 * The number in an id or progress token that we gave out ourselves, or undefined. Some servers send numbers back as
 * strings, so both spellings are understood.
 */
export function ownNumber(bytes: Buffer, span: Span): number | undefined {
  const quoted = bytes[span.start] === QUOTE ? 1 : 0
  let number = 0
  const end = span.end - quoted
  if (end - span.start - quoted > 15) return undefined
  for (let at = span.start + quoted; at < end; at++) {
    const digit = (bytes[at] ?? 0) - 0x30
    if (digit < 0 || digit > 9) return undefined
    number = number * 10 + digit
  }
  return end > span.start + quoted ? number : undefined
}

function isId(bytes: Buffer, id: Span): boolean {
  const first = bytes[id.start] ?? 0
  return first === QUOTE || first === MINUS || (first >= 0x30 && first <= 0x39)
}
