import type { ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import type { BridgeLimits } from '../limits.ts'

export interface Outflow {
  /** To be called after something was written for a client. `stream`: an event stream, to which more will follow. */
  wrote(res: ServerResponse, stream: boolean): void
  /** Cuts connections that have stalled. `now` in milliseconds. */
  sweep(now: number): void
}

interface Slow {
  readonly res: ServerResponse
  readonly stream: boolean
  unsent: number
  since: number
}

/** Below this a response is left to the kernel and Node. */
const UNREMARKABLE_BYTES = 65_536

/**
 * Back-pressure from clients to a server: its output is not read on while an event stream, or all answers together, hold
 * too much that was not sent yet. A client that takes nothing at all is cut off, so that it cannot stop the others.
 */
export function createOutflow(stdout: Readable, limits: BridgeLimits): Outflow {
  // Few at a time. A Map would hold on to those that are gone; see CallTable.
  let slow: readonly Slow[] = []
  let now = 0

  function decide(): void {
    let total = 0
    let pause = false
    for (const { res, stream } of slow) {
      total += res.writableLength
      if (stream && res.writableLength > limits.slowStreamBytes) pause = true
    }
    if (pause || total > limits.slowTotalBytes) stdout.pause()
    else if (stdout.isPaused()) stdout.resume()
  }

  return {
    wrote(res, stream) {
      if (res.writableLength < UNREMARKABLE_BYTES) return
      if (!slow.some((state) => state.res === res)) {
        slow = [...slow, { res, stream, unsent: res.writableLength, since: now }]
        const forget = () => {
          res.off('drain', forget).off('close', forget).off('finish', forget)
          slow = slow.filter((state) => state.res !== res)
          decide()
        }
        res.on('drain', forget).on('close', forget).on('finish', forget)
      }
      decide()
    },
    sweep(at) {
      now = at
      for (const state of slow) {
        const { res } = state
        if (res.writableLength !== state.unsent) {
          state.unsent = res.writableLength
          state.since = now
        } else if (now - state.since > limits.stalledMs) res.destroy()
      }
      if (slow.length > 0) decide()
    },
  }
}
