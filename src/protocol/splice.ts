import type { Span } from './envelope.ts'

/**
 * The bytes of one message on their way out: short ones as a string with one character a byte (`latin1`), which Node
 * writes together with the headers in one system call; long ones as the buffers they arrived in.
 */
export type Bytes = string | readonly Buffer[]

/** A span and the letters (one character a byte) that take its place. */
export interface Edit {
  readonly span: Span
  readonly letters: string
}

/** Messages up to this many bytes travel as strings. */
const SHORT = 16_384

/** The message in `whole` with the edits applied; they must be in the order of the text and apart from one another. */
export function splice(source: Buffer, whole: Span, edits: readonly Edit[]): Bytes {
  return whole.end - whole.start <= SHORT
    ? spliceShort(source, whole, edits)
    : spliceLong(source, whole, edits)
}

function spliceShort(source: Buffer, whole: Span, edits: readonly Edit[]): string {
  let out = ''
  let from = whole.start
  for (const { span, letters } of edits) {
    out += source.toString('latin1', from, span.start) + letters
    from = span.end
  }
  return out + source.toString('latin1', from, whole.end)
}

function spliceLong(source: Buffer, whole: Span, edits: readonly Edit[]): Buffer[] {
  const out: Buffer[] = []
  let from = whole.start
  for (const { span, letters } of edits) {
    out.push(source.subarray(from, span.start), Buffer.from(letters, 'latin1'))
    from = span.end
  }
  out.push(source.subarray(from, whole.end))
  return out
}

/** Like {@link splice}, of a line that is still in the parts it arrived in, without joining them. */
export function spliceParts(parts: readonly Buffer[], whole: Span, edits: readonly Edit[]): Buffer[] {
  const out: Buffer[] = []
  let from = whole.start
  for (const { span, letters } of edits) {
    pushRange(out, parts, from, span.start)
    out.push(Buffer.from(letters, 'latin1'))
    from = span.end
  }
  pushRange(out, parts, from, whole.end)
  return out
}

function pushRange(out: Buffer[], parts: readonly Buffer[], start: number, end: number): void {
  let at = 0
  for (const part of parts) {
    const piece = part.subarray(Math.max(0, start - at), Math.max(0, end - at))
    if (piece.length > 0) out.push(piece)
    at += part.length
  }
}

export function byteLength(bytes: Bytes): number {
  if (typeof bytes === 'string') return bytes.length
  return bytes.reduce((sum, part) => sum + part.length, 0)
}

/** Text of our own, as bytes that can travel with spliced ones. */
export function toBytes(text: string): Bytes {
  return Buffer.from(text, 'utf8').toString('latin1')
}

/** Puts `bytes` between two pieces of plain ASCII. */
export function wrap(before: string, bytes: Bytes, after: string): Bytes {
  if (typeof bytes === 'string') return before + bytes + after
  return [Buffer.from(before, 'latin1'), ...bytes, Buffer.from(after, 'latin1')]
}
