import { randomBytes } from 'node:crypto'

const POOL_BYTES = 4096
let pool = Buffer.alloc(0)
let next = 0

/** Random bytes in hexadecimal; drawn in blocks, because one system call for each would show. */
function randomHex(bytes: number): string {
  if (next + bytes > pool.length) {
    pool = randomBytes(POOL_BYTES)
    next = 0
  }
  return pool.toString('hex', next, (next += bytes))
}

/**
 * The trace that a request belongs to (W3C Trace Context, level 1, `traceparent`): the caller's when the header is valid,
 * else a new one.
 * @returns 32 hexadecimal digits
 */
export function traceIdOf(traceparent: string | undefined): string {
  if (traceparent !== undefined) {
    const match = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?$/.exec(traceparent)
    const [, version, traceId, parentId, rest] = match ?? []
    const isKnown = version === '00' ? rest === undefined : version !== 'ff'
    if (traceId !== undefined && isKnown && /[1-9a-f]/.test(traceId) && /[1-9a-f]/.test(parentId ?? '')) {
      return traceId
    }
  }
  return randomHex(16)
}

/** The header for a request that we send on within a trace. */
export function traceparentOf(traceId: string): string {
  return `00-${traceId}-${randomHex(8)}-01`
}
