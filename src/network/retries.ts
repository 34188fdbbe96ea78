import { setTimeout as sleep } from 'node:timers/promises'
import { HttpFailure, type HttpResponse } from './http.ts'

export interface RetryOptions {
  /** In all, the first included. Default: 3. */
  readonly attempts?: number
  /** Wait after the first failure; doubles each time, of which a random part is taken. Default: 200. */
  readonly baseMs?: number
  /** Longest wait that a Retry-After header may ask for; a longer one ends the attempts. Default: 2,000. */
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
  { attempts = 3, baseMs = 200, maxWaitMs = 2_000, random = Math.random, signal }: RetryOptions,
): Promise<HttpResponse> {
  for (let attempt = 1; ; attempt++) {
    const isLast = attempt >= attempts
    // Full jitter: callers that failed together do not come back together.
    let waitMs = random() * baseMs * 2 ** (attempt - 1)
    try {
      const response = await ask()
      const askedMs = retryAfterMs(response)
      if (isLast || !PASSING.has(response.status) || askedMs > maxWaitMs) return response
      response.body.destroy()
      waitMs = Math.max(waitMs, askedMs)
    } catch (error) {
      signal.throwIfAborted()
      const mayPass =
        error instanceof HttpFailure && (error.kind === 'unreachable' || error.kind === 'timeout')
      if (isLast || !mayPass) throw error
    }
    await sleep(waitMs, undefined, { signal })
  }
}

function retryAfterMs({ headers }: HttpResponse): number {
  const value = headers['retry-after'] ?? '0'
  return /^\d+$/.test(value) ? Number(value) * 1000 : Math.max(0, Date.parse(value) - Date.now()) || 0
}
