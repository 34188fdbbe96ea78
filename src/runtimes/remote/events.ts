import { CatwalkError } from '../../domain/index.ts'
import type { HttpResponse } from '../../network/index.ts'

export interface ServerEvent {
  /** `message` where none is named. */
  readonly event: string
  /** Lines joined by spaces: a line break means nothing between the tokens of JSON. */
  readonly data: Buffer
}

export interface EventHandler {
  /** The next is read after it. */
  readonly event: (event: ServerEvent) => Promise<void>
  /** Each id, also of events without data. */
  readonly id: (id: string) => void
  /** How long to wait before connecting again, in milliseconds. */
  readonly retry: (ms: number) => void
}

export interface ReadingLimits {
  /** One event. */
  readonly maxBytes: number
  /** Without a byte. 0: none, for streams on which nothing may be due. */
  readonly silenceMs: number
}

const MAX_ID = 1024
const SPACE = Buffer.from(' ')

/**
 * Reads an event stream (WHATWG HTML, server-sent events) to its end.
 * @throws CatwalkError `server_not_mcp` for an event over the limit, `remote_unavailable` when it breaks off
 */
export async function readEvents(
  { body, url }: HttpResponse,
  handler: EventHandler,
  { maxBytes, silenceMs }: ReadingLimits,
): Promise<void> {
  const due: ServerEvent[] = []
  let parts: Buffer[] = []
  let bytes = 0
  let event = 'message'
  let tooLarge = false

  function line(text: Buffer): void {
    const colon = text.indexOf(0x3a)
    if (text.length === 0) return finish()
    if (colon === 0) return
    const name = text.toString('latin1', 0, colon === -1 ? text.length : colon)
    let start = colon === -1 ? text.length : colon + 1
    if (text[start] === 0x20) start++
    if (name === 'data') {
      bytes += text.length
      tooLarge ||= bytes > maxBytes
      if (!tooLarge) parts.push(text.subarray(start), SPACE)
    } else if (name === 'event') event = text.toString('utf8', start).trim() || 'message'
    else if (name === 'id') {
      const id = text.toString('utf8', start).trim()
      // It comes back as a header.
      if (id.length <= MAX_ID && /^[\x21-\x7e]+$/.test(id)) handler.id(id)
    } else if (name === 'retry') {
      const ms = text.toString('latin1', start).trim()
      if (/^\d{1,9}$/.test(ms)) handler.retry(Number(ms))
    }
  }

  function finish(): void {
    if (parts.length > 0) due.push({ event, data: Buffer.concat(parts) })
    parts = []
    bytes = 0
    event = 'message'
  }

  const read = createLineCutter(maxBytes, line, () => (tooLarge = true))
  const silence = silenceMs > 0 ? setTimeout(() => body.destroy(new Error('silent')), silenceMs) : null
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      silence?.refresh()
      read(chunk)
      if (tooLarge) {
        throw new CatwalkError(
          'server_not_mcp',
          `${url.host} sent a message that is too large; the limit is ${maxBytes} bytes.`,
        )
      }
      for (const one of due.splice(0)) {
        await handler.event(one)
        silence?.refresh()
      }
    }
  } catch (error) {
    if (error instanceof CatwalkError) throw error
    throw new CatwalkError('remote_unavailable', `The answer of ${url.host} broke off.`, { cause: error })
  } finally {
    if (silence !== null) clearTimeout(silence)
    body.destroy()
  }
}

const LF = 0x0a
const CR = 0x0d

/** Cuts bytes into lines, which end in LF, CR or both; the empty ones count here. */
function createLineCutter(
  maxBytes: number,
  line: (bytes: Buffer) => void,
  tooLong: () => void,
): (chunk: Buffer) => void {
  let parts: Buffer[] = []
  let length = 0
  let afterCr = false

  return (chunk) => {
    let start = 0
    if (afterCr && chunk[0] === LF) start = 1
    if (chunk.length > 0) afterCr = false
    let lf = chunk.indexOf(LF, start)
    let cr = chunk.indexOf(CR, start)
    for (;;) {
      // Only looked for anew when passed: a chunk of short lines must not be searched to its end for each.
      if (lf !== -1 && lf < start) lf = chunk.indexOf(LF, start)
      if (cr !== -1 && cr < start) cr = chunk.indexOf(CR, start)
      const end = lf === -1 || (cr !== -1 && cr < lf) ? cr : lf
      if (end === -1) break
      parts.push(chunk.subarray(start, end))
      line(parts.length === 1 ? chunk.subarray(start, end) : Buffer.concat(parts))
      parts = []
      length = 0
      afterCr = chunk[end] === CR && end + 1 === chunk.length
      start = end + (chunk[end] === CR && chunk[end + 1] === LF ? 2 : 1)
    }
    if (start >= chunk.length) return
    length += chunk.length - start
    if (length > maxBytes) return tooLong()
    parts.push(chunk.subarray(start))
  }
}
