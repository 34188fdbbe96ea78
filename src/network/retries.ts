import { setTimeout as sleep } from 'node:timers/promises'
import { HttpFailure, type HttpResponse } from './http.ts'

export interface RetryOptions {
  /** In all, the first included. Default: 3, and as many as there is time for where `patienceMs` is given. */
  readonly attempts?: number
  /** A failure that comes this long after the first attempt began is the last. Default: no limit. */
  readonly patienceMs?: number
  /** Wait after the first failure; doubles each time, of which a random part is taken. Default: 200. */
  readonly baseMs?: number
  /** Longest wait, also that a Retry-After header may ask for; one that asks for longer ends the attempts. Default: 2,000. */
  readonly maxWaitMs?: number
  /** From 0 up to 1. */
  readonly random?: () => number
  readonly signal: AbortSignal
}

const PASSING = new Set([408, 429, 500, 502, 503, 504])

/**
 * Asks again after failures that may pass: no connection, no answer in time, 408, 429 and 5xx. The last answer or failure
 * stands.
 */
export async function withRetries(
  ask: () => Promise<HttpResponse>,
  options: RetryOptions,
): Promise<HttpResponse> {
  const { patienceMs = Infinity, baseMs = 200, maxWaitMs = 2_000, random = Math.random, signal } = options
  const attempts = options.attempts ?? (patienceMs === Infinity ? 3 : Infinity)
  const startedAt = performance.now()
  for (let attempt = 1; ; attempt++) {
    // Full jitter: callers that failed together do not come back together.
    let waitMs = random() * Math.min(baseMs * 2 ** (attempt - 1), maxWaitMs)
    const isLast = (): boolean => attempt >= attempts || performance.now() - startedAt >= patienceMs
    try {
      const response = await ask()
      const askedMs = retryAfterMs(response)
      if (!PASSING.has(response.status) || askedMs > maxWaitMs || isLast()) return response
      response.body.destroy()
      waitMs = Math.max(waitMs, askedMs)
    } catch (error) {
      signal.throwIfAborted()
      const mayPass =
        error instanceof HttpFailure && (error.kind === 'unreachable' || error.kind === 'timeout')
      if (!mayPass || isLast()) throw error
    }
    await sleep(waitMs, undefined, { signal })
  }
}

function retryAfterMs({ headers }: HttpResponse): number {
  const value = headers['retry-after'] ?? '0'
  return /^\d+$/.test(value) ? Number(value) * 1000 : Math.max(0, Date.parse(value) - Date.now()) || 0
}
