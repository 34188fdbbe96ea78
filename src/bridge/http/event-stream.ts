import type { ServerResponse } from 'node:http'
import { byteLength, SSE_KEEP_ALIVE, sseEvent, ssePriming, type Bytes } from '../../protocol/index.ts'
import { startStream } from '../asleep/held-streams.ts'
import type { Outflow } from './outflow.ts'
import type { Keeper, ReplayBudget } from './replay-budget.ts'

/** Events kept of one stream, whatever their size. */
const MAX_EVENTS = 1000

export interface EventStream {
  /** Names the stream; an event's id is this, a dot and the event's number. */
  readonly name: string
  readonly connected: boolean
  readonly finished: boolean
  /** Milliseconds, of the clock that {@link EventStream.keepAlive} was last given. */
  readonly finishedAt: number
  /** Sends a message to the newest connection, or keeps it until there is one. */
  send(message: Bytes): void
  /** Nothing follows. Ends the connections. */
  finish(): void
  /**
   * Opens an event stream on `res`: what nobody was sent yet, or everything after the event `after`.
   * Returns false, and leaves `res` alone, when that is no longer all there.
   */
  attach(res: ServerResponse, requestId: string, after: number | null): boolean
  /** Whether nothing follows the event with this number. */
  complete(number: number): boolean
  /** Shows connections that have been silent for `silenceMs` that they are alive. */
  keepAlive(now: number, silenceMs: number): void
  drop(): void
  /** Lets go of its connections without ending them, for whoever goes on with them. */
  release(): void
}

export interface EventStreamOptions {
  readonly name: string
  readonly priming: boolean
  readonly maxKeptBytes: number
  readonly budget: ReplayBudget
  readonly flow: () => Outflow | null
}

interface Kept {
  readonly number: number
  readonly message: Bytes
  readonly bytes: number
}

/**
 * One stream of server-sent events that outlives its connections (2025-11-25, transports, resumability). Each message
 * goes to one connection only.
 */
export function createEventStream(options: EventStreamOptions): EventStream {
  const { name, budget } = options
  let connections: ServerResponse[] = []
  let kept: Kept[] = []
  let keptBytes = 0
  /** Number of the newest event, of the newest one that was sent, and of the newest one that is no longer kept. */
  let newest = 0
  let sent = 0
  let dropped = 0
  let finished = false
  let finishedAt = 0
  let now = 0
  let lastWriteAt = 0

  function release(count: number): void {
    let bytes = 0
    for (const event of kept.splice(0, count)) {
      bytes += event.bytes
      dropped = event.number
    }
    keptBytes -= bytes
    if (bytes > 0) budget.charge(keeper, -bytes)
  }

  function keep(event: Kept): void {
    kept.push(event)
    keptBytes += event.bytes
    budget.charge(keeper, event.bytes)
    while (kept.length > MAX_EVENTS || (keptBytes > options.maxKeptBytes && kept.length > 0)) release(1)
  }

  function write(res: ServerResponse, bytes: Bytes): void {
    lastWriteAt = now
    if (typeof bytes === 'string') res.write(bytes, 'latin1')
    else {
      res.cork()
      for (const part of bytes) res.write(part)
      res.uncork()
    }
    options.flow()?.wrote(res, true)
  }

  const keeper: Keeper = { drop: () => release(kept.length) }

  return {
    name,
    get connected() {
      return connections.length > 0
    },
    get finished() {
      return finished
    },
    get finishedAt() {
      return finishedAt
    },
    send(message) {
      const number = ++newest
      const res = connections.at(-1)
      if (res !== undefined) {
        sent = number
        write(res, sseEvent(`${name}.${number}`, message))
      }
      keep({ number, message, bytes: byteLength(message) })
    },
    finish() {
      if (finished) return
      finished = true
      finishedAt = now
      for (const res of connections) res.end()
    },
    attach(res, requestId, after) {
      const from = after ?? Math.max(sent, dropped)
      if (from < dropped || from > newest) return false
      startStream(res, requestId)
      connections.push(res)
      res.on('close', () => {
        connections = connections.filter((other) => other !== res)
      })
      if (options.priming) write(res, ssePriming(`${name}.${from}`))
      for (const event of kept) {
        if (event.number > from) write(res, sseEvent(`${name}.${event.number}`, event.message))
      }
      sent = newest
      if (finished) res.end()
      return true
    },
    complete: (number) => finished && number === newest,
    keepAlive(at, silenceMs) {
      now = at
      if (now - lastWriteAt < silenceMs) return
      lastWriteAt = now
      // What waits to be sent says enough, and one that takes nothing must not look as if something had moved.
      for (const res of connections) if (res.writableLength === 0) res.write(SSE_KEEP_ALIVE)
    },
    drop: () => release(kept.length),
    release() {
      connections = []
    },
  }
}
