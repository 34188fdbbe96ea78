import type { RateLimiter } from '../auth/index.ts'
import { CatwalkError, rateKey, type Actor } from '../domain/index.ts'

/** How much is answered, in requests a minute; 0 is no limit. Throws `rate_limited` with the time to wait. */
export interface RequestLimits {
  /** Any request of somebody who is not signed in, by address. */
  count(address: string | null): void
  /** One that tries a secret: a set-up token, an invitation. */
  countAttempt(address: string | null): void
  /** A request of a person or a key, wherever it comes from: an office behind one address is not locked out. */
  countActor(actor: Actor): void
}

export interface RequestLimitOptions {
  /** Of somebody who is not signed in, by address. Default: 100. */
  readonly addressPerMinute?: number
  /** Of one person or key. Default: 600. */
  readonly actorPerMinute?: number
}

const MINUTE_MS = 60_000
const ATTEMPTS_PER_MINUTE = 10

export function createRequestLimits(limiter: RateLimiter, options: RequestLimitOptions = {}): RequestLimits {
  const { addressPerMinute = 100, actorPerMinute = 600 } = options

  function take(key: string, max: number, whose: string): void {
    if (max === 0) return
    const waitMs = limiter.take(key, { max, windowMs: MINUTE_MS })
    if (waitMs === 0) return
    const retryAfterS = Math.ceil(waitMs / 1000)
    throw new CatwalkError('rate_limited', `Too many requests ${whose}. Try again in ${retryAfterS} s.`, {
      details: { retryAfterS },
    })
  }
  return {
    count: (address) => take(`any ${rateKey(address)}`, addressPerMinute, 'from this address'),
    countAttempt: (address) => take(`attempt ${rateKey(address)}`, ATTEMPTS_PER_MINUTE, 'from this address'),
    countActor: ({ kind, id }) => take(`${kind} ${id}`, actorPerMinute, `of this ${WORDS[kind]}`),
  }
}

const WORDS: Readonly<Record<Actor['kind'], string>> = {
  user: 'account',
  api_key: 'API key',
  system: 'program',
}
