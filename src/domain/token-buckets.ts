/** Token buckets in the memory of this process, one a key; with several replicas each counts for itself. */
export interface TokenBuckets {
  /**
   * Takes one token. Returns 0 when there was one, else the milliseconds until there is.
   * @param nowMs any clock that only goes forward
   * @param ownPerMinute for a key that has a rate of its own, which may be another one each time; 0 for no limit
   */
  take(key: string, nowMs: number, ownPerMinute?: number): number
  /** How many keys are remembered. */
  readonly size: number
}

// Some megabytes at most: a flood from many addresses cannot eat the memory.
const MAX_KEYS = 50_000

/**
 * A bucket holds `perMinute` tokens and is filled evenly, so that a minute's worth may come at once. Kept as one number
 * a key, the moment at which its bucket will be full again (the generic cell rate algorithm).
 * @param perMinute 0 for no limit
 */
export function createTokenBuckets(perMinute: number, maxKeys = MAX_KEYS): TokenBuckets {
  const fullAt = new Map<string, number>()

  return {
    take(key, nowMs, ownPerMinute = perMinute) {
      if (ownPerMinute === 0) return 0
      const perTokenMs = 60_000 / ownPerMinute
      const known = fullAt.get(key)
      const from = known === undefined || known < nowMs ? nowMs : known
      const waitMs = from + perTokenMs - nowMs - 60_000
      // A hair's breadth is rounding, not a token that is missing.
      if (waitMs > 1e-6) return waitMs
      fullAt.set(key, from + perTokenMs)
      if (known === undefined && fullAt.size > maxKeys) forgetOldest(fullAt)
      return 0
    },
    get size() {
      return fullAt.size
    },
  }
}

function forgetOldest(buckets: Map<string, number>): void {
  for (const key of buckets.keys()) {
    buckets.delete(key)
    return
  }
}
