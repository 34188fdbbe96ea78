import { CatwalkError } from '../domain/index.ts'

export interface StaleOptions {
  readonly maxEntries: number
  /** How old an answer may be. */
  readonly maxAgeMs: number
  readonly now: () => number
}

/** For look-ups in package indexes: a day is longer than most outages, and a version never changes. */
export const STALE: StaleOptions = { maxEntries: 1_000, maxAgeMs: 86_400_000, now: Date.now }

interface Entry<T> {
  readonly answer: T
  readonly at: number
}

/**
 * Remembers answers for the time when their source is down: every question is asked, and only `package_index_unavailable`
 * is answered from memory. The longest unused goes first.
 */
export function rememberAnswers<T>({
  maxEntries,
  maxAgeMs,
  now,
}: StaleOptions): (key: string, ask: () => Promise<T>) => Promise<T> {
  const entries = new Map<string, Entry<T>>()
  return async (key, ask) => {
    const known = entries.get(key)
    try {
      const answer = await ask()
      entries.delete(key)
      entries.set(key, { answer, at: now() })
      const [oldest] = entries.keys()
      if (entries.size > maxEntries && oldest !== undefined) entries.delete(oldest)
      return answer
    } catch (error) {
      const isDown = error instanceof CatwalkError && error.code === 'package_index_unavailable'
      if (isDown && known !== undefined && now() - known.at <= maxAgeMs) return known.answer
      throw error
    }
  }
}
