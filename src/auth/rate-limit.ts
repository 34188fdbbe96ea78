import type { Clock } from '../domain/index.ts'

export interface RateRule {
  /** Requests per window. */
  readonly max: number
  readonly windowMs: number
}

export interface RateLimiter {
  /** Counts one request; returns 0 when it is within the rule, else the milliseconds until the window ends. */
  take(key: string, rule: RateRule): number
}

interface Window {
  count: number
  endsAt: number
}

// Some megabytes at most. Beyond it the oldest windows go first: a flood from many addresses cannot eat the memory.
const MAX_KEYS = 50_000

/** Fixed windows in the memory of this process; with several replicas each counts for itself. */
export function createRateLimiter(clock: Clock): RateLimiter {
  // Insertion order is start order, so the first entries are the oldest.
  const windows = new Map<string, Window>()

  return {
    take(key, { max, windowMs }) {
      const now = clock.now().getTime()
      const open = windows.get(key)
      if (open !== undefined && now < open.endsAt) {
        if (open.count >= max) return open.endsAt - now
        open.count += 1
        return 0
      }
      windows.delete(key)
      windows.set(key, { count: 1, endsAt: now + windowMs })
      for (const [oldest, window] of windows) {
        if (windows.size <= MAX_KEYS && now < window.endsAt) break
        windows.delete(oldest)
      }
      return 0
    },
  }
}
