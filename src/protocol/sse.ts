import { wrap, type Bytes } from './splice.ts'

/** Headers of an event stream. The last one keeps reverse proxies from holding events back. */
export const SSE_HEADERS = [
  'content-type',
  'text/event-stream',
  'cache-control',
  'no-cache, no-transform',
  'x-accel-buffering',
  'no',
] as const

/** Ignored by clients; shows every proxy on the way that the stream is alive. */
export const SSE_KEEP_ALIVE = ': alive\n\n'

/** One event. `message` must not contain a line break, which no scanned message does. */
export function sseEvent(id: string, message: Bytes): Bytes {
  return wrap(`id: ${id}\ndata: `, message, '\n\n')
}

/** One event without an id, of a stream that cannot be resumed (2026-07-28). */
export function sseMessage(message: Bytes): Bytes {
  return wrap('data: ', message, '\n\n')
}

/** An empty event that gives the client an id to resume from before anything was sent. */
export function ssePriming(id: string): string {
  return `id: ${id}\ndata: \n\n`
}
