import { setTimeout as delay } from 'node:timers/promises'
import { anySignal } from '../domain/index.ts'

export interface WireItem {
  readonly id: string
  readonly event: string
  readonly data: unknown
}

export interface EventStreamOptions {
  /** Ends the stream. */
  readonly signal: AbortSignal
  /** After this long without an item a comment keeps proxies from cutting the line. */
  readonly keepAliveMs: number
  /** Asked after each of these pauses, and at least that often; false ends the stream. */
  readonly stillAllowed: () => Promise<boolean>
  /** Calls `listener` when that is to be asked at once, until the returned function is called. */
  readonly onDoubt: (listener: () => void) => () => void
  /** Called once when the stream ends for whatever reason. */
  readonly onEnd: (error?: unknown) => void
}

/** How soon a browser comes back after the line was cut, in ms. */
const RETRY_MS = 1000

/**
 * Server-sent events (WHATWG HTML, 9.2) from items. Pulls an item only when the caller has taken the former one, so a
 * slow caller slows the source instead of filling memory.
 */
export function eventStream(
  items: AsyncIterable<WireItem>,
  options: EventStreamOptions,
): ReadableStream<Uint8Array> {
  const left = new AbortController()
  const signal = anySignal([options.signal, left.signal])
  const messages = encode(items, { ...options, signal })
  const encoder = new TextEncoder()
  return new ReadableStream(
    {
      async pull(controller) {
        const message = await messages.next()
        if (message.done === true) controller.close()
        else controller.enqueue(encoder.encode(message.value))
      },
      async cancel() {
        left.abort()
        await messages.return(undefined)
      },
    },
    { highWaterMark: 0 },
  )
}

async function* encode(
  items: AsyncIterable<WireItem>,
  options: EventStreamOptions,
): AsyncGenerator<string, undefined> {
  const iterator = items[Symbol.asyncIterator]()
  let failure: unknown
  let inDoubt = false
  let doubt = Promise.withResolvers<Pause>()
  const unsubscribe = options.onDoubt(() => {
    inDoubt = true
    doubt.resolve('doubt')
  })
  try {
    // Also makes the headers leave at once.
    yield `retry: ${RETRY_MS}\n\n`
    let checkedAt = performance.now()
    let next = iterator.next()
    for (;;) {
      const result = await orPause(next, doubt.promise, options)
      if (inDoubt || performance.now() - checkedAt >= options.keepAliveMs) {
        inDoubt = false
        doubt = Promise.withResolvers()
        if (!(await options.stillAllowed())) return
        checkedAt = performance.now()
      }
      if (result === 'gone') return
      if (result === 'doubt') continue
      if (result === 'pause') {
        yield ': still here\n\n'
        continue
      }
      if (result.done === true) return
      yield format(result.value)
      next = iterator.next()
    }
  } catch (error) {
    failure = error
  } finally {
    unsubscribe()
    options.onEnd(failure)
    // Not awaited: a source that ignores the signal must not hold the connection.
    iterator.return?.().catch(() => undefined)
  }
}

type Pause = 'pause' | 'doubt' | 'gone'

async function orPause<T>(
  next: Promise<T>,
  doubt: Promise<Pause>,
  options: EventStreamOptions,
): Promise<T | Pause> {
  // When the pause wins and the stream ends, nobody else looks at it.
  next.catch(() => undefined)
  const settled = new AbortController()
  const pause = delay<Pause>(options.keepAliveMs, 'pause', {
    signal: anySignal([options.signal, settled.signal]),
  }).catch((): Pause => 'gone')
  try {
    return await Promise.race([next, pause, doubt])
  } finally {
    settled.abort()
  }
}

function format({ id, event, data }: WireItem): string {
  return `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`
}
