import type { RateLimiter, RateRule } from '../auth/index.ts'
import { CatwalkError, rateKey } from '../domain/index.ts'

/** What nobody in particular may ask for, by address. Throws `rate_limited` with the time to wait. */
export interface PublicLimits {
  /** Any request of somebody who is not signed in. */
  count(address: string | null): void
  /** One that tries a secret: a set-up token. */
  countAttempt(address: string | null): void
}

const ANY: RateRule = { max: 100, windowMs: 60_000 }
const ATTEMPT: RateRule = { max: 10, windowMs: 60_000 }

export function createPublicLimits(limiter: RateLimiter): PublicLimits {
  function take(kind: string, address: string | null, rule: RateRule): void {
    const waitMs = limiter.take(`${kind} ${rateKey(address)}`, rule)
    if (waitMs === 0) return
    const retryAfterS = Math.ceil(waitMs / 1000)
    throw new CatwalkError(
      'rate_limited',
      `Too many requests from this address. Try again in ${retryAfterS} s.`,
      {
        details: { retryAfterS },
      },
    )
  }
  return {
    count: (address) => take('any', address, ANY),
    countAttempt: (address) => take('attempt', address, ATTEMPT),
  }
}
