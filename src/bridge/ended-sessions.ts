/** Remembers which sessions were ended, until their tokens would have expired anyway. */
export interface EndedSessions {
  has(id: string): boolean
  add(id: string, expiresAt: Date): void
}

/** For one process. Expired entries go whenever the number has doubled. */
export function createEndedSessions(now: () => Date): EndedSessions {
  const ended = new Map<string, number>()
  let sweepAt = 1024
  return {
    has: (id) => ended.has(id),
    add(id, expiresAt) {
      ended.set(id, expiresAt.getTime())
      if (ended.size < sweepAt) return
      const time = now().getTime()
      for (const [old, expires] of ended) if (expires <= time) ended.delete(old)
      sweepAt = Math.max(1024, ended.size * 2)
    },
  }
}
