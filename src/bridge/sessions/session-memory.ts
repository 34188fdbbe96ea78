import type { SessionMemory, SessionNote } from '../../domain/index.ts'

/** Remembers for one process. Expired entries go whenever the number has doubled. */
export function createSessionMemory(now: () => Date): SessionMemory {
  const ended = createExpiring<true>(now)
  const notes = createExpiring<SessionNote>(now)
  return {
    isEnded: (id) => ended.get(id) !== undefined,
    end(id, expiresAt) {
      ended.set(id, true, expiresAt)
      notes.delete(id)
      return Promise.resolve()
    },
    keep(id, note, expiresAt) {
      notes.set(id, note, expiresAt)
      return Promise.resolve()
    },
    recall: (id) => Promise.resolve(notes.get(id) ?? null),
  }
}

interface Expiring<T> {
  get(id: string): T | undefined
  set(id: string, value: T, expiresAt: Date): void
  delete(id: string): void
}

function createExpiring<T>(now: () => Date): Expiring<T> {
  const entries = new Map<string, { readonly value: T; readonly expiresAt: number }>()
  let sweepAt = 1024
  return {
    get: (id) => entries.get(id)?.value,
    set(id, value, expiresAt) {
      entries.set(id, { value, expiresAt: expiresAt.getTime() })
      if (entries.size < sweepAt) return
      const time = now().getTime()
      for (const [old, entry] of entries) if (entry.expiresAt <= time) entries.delete(old)
      sweepAt = Math.max(1024, entries.size * 2)
    },
    delete: (id) => void entries.delete(id),
  }
}
