import { setTimeout as delay } from 'node:timers/promises'
import type { ServerResponse } from 'node:http'

/** A load balancer has noticed once no client has called for this long; it has the longest time to. */
const CLIENTS = { quietMs: 500, longestMs: 10_000 }
/** Likewise for the other replicas, which are told. */
const REPLICAS = { quietMs: 200, longestMs: 2000 }

export interface LastCalls {
  /** Whether the program is about to stop. */
  readonly isLeaving: boolean
  /** Of each request that clients, people or other replicas make. */
  readonly saw: (res: ServerResponse, isInternal: boolean) => void
  /**
   * From now on each answer asks for its connection to be closed, and {@link LastCalls.isLeaving} says that requests are
   * better sent elsewhere. Resolves when no client has called for half a second, after 10 seconds at the latest, and then
   * no other replica either. At once when nobody has called just before, or nobody else is there to take calls.
   */
  leave(others: {
    readonly areThere: () => Promise<boolean>
    /** Has the other replicas send nothing here any more. */
    readonly tell: () => Promise<void>
  }): Promise<void>
}

/**
 * The time between the wish to stop and its beginning, in which those who send calls here notice. A listener that is closed
 * under load loses the connections that were made but not yet taken.
 */
export function createLastCalls(): LastCalls {
  let isLeaving = false
  const seenAt = { clients: -Infinity, replicas: -Infinity }

  async function quiet(who: keyof typeof seenAt, { quietMs, longestMs }: typeof CLIENTS): Promise<void> {
    const end = performance.now() + longestMs
    for (;;) {
      const waitMs = Math.min(end, seenAt[who] + quietMs) - performance.now()
      if (waitMs <= 0) return
      await delay(Math.ceil(waitMs))
    }
  }

  return {
    get isLeaving() {
      return isLeaving
    },
    saw(res, isInternal) {
      seenAt[isInternal ? 'replicas' : 'clients'] = performance.now()
      if (isLeaving) res.shouldKeepAlive = false
    },
    async leave({ areThere, tell }) {
      isLeaving = true
      if (!(await areThere())) return
      await quiet('clients', CLIENTS)
      await tell()
      await quiet('replicas', REPLICAS)
    },
  }
}
