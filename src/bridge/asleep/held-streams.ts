import type { ServerResponse } from 'node:http'
import type { HeldStream } from '../../domain/index.ts'
import { SSE_HEADERS, SSE_KEEP_ALIVE } from '../../protocol/index.ts'

/** Keeps streams open while their server sleeps. */
export interface HeldStreams {
  hold(stream: HeldStream): void
  /** Whoever is to answer them from now on gets them. */
  release(): readonly HeldStream[]
  readonly count: number
}

/** @param keepAliveMs how often each shows its client that it is alive */
export function createHeldStreams(keepAliveMs: number): HeldStreams {
  const held = new Map<ServerResponse, HeldStream>()
  let timer: NodeJS.Timeout | null = null

  function forget(res: ServerResponse): void {
    held.delete(res)
    if (held.size > 0 || timer === null) return
    clearInterval(timer)
    timer = null
  }

  return {
    get count() {
      return held.size
    },
    hold(stream) {
      const { res } = stream
      if (res.destroyed) return
      startStream(res, stream.caller.requestId)
      held.set(res, stream)
      res.once('close', () => forget(res))
      timer ??= setInterval(() => {
        for (const open of held.keys()) open.write(SSE_KEEP_ALIVE)
      }, keepAliveMs).unref()
    },
    release() {
      const streams = [...held.values()]
      for (const { res } of streams) forget(res)
      return streams
    },
  }
}

const acknowledged = new WeakSet<ServerResponse>()

/** The subscription of this stream was acknowledged; whoever goes on with it must not do so again. */
export function markAcknowledged(res: ServerResponse): void {
  acknowledged.add(res)
}

export function wasAcknowledged(res: ServerResponse): boolean {
  return acknowledged.has(res)
}

/** Sends the head of an event stream, unless that was done before. */
export function startStream(res: ServerResponse, requestId: string): void {
  if (res.headersSent) return
  res.on('error', () => undefined)
  res.writeHead(200, [...SSE_HEADERS, 'x-content-type-options', 'nosniff', 'x-request-id', requestId])
  res.flushHeaders()
}
