import { createSessionMemory } from '../../bridge/index.ts'
import { CatwalkError, type SessionMemory, type SessionNote } from '../../domain/index.ts'
import type { Journal, Recollection } from '../elsewhere/index.ts'

const ANSWER_MS = 10_000

/** The memory of sessions in a machine: what lasts is kept by the installation, which is told and asked. */
export interface SessionLink extends SessionMemory {
  /** Takes an answer of the installation. */
  answer(recollection: Recollection): void
  /** Asks the installation again for everything: it may know better by now. */
  forget(): void
}

export function createSessionLink(journal: Journal): SessionLink {
  let own = createSessionMemory(() => new Date())
  const asked = new Map<string, PromiseWithResolvers<Recollection>>()
  return {
    isEnded: (id) => own.isEnded(id),
    async end(id, expiresAt) {
      await own.end(id, expiresAt)
      journal.add({ kind: 'session_ended', id, expiresAt: expiresAt.getTime() })
    },
    async keep(id, note, expiresAt) {
      await own.keep(id, note, expiresAt)
      journal.add({ kind: 'session_kept', id, note, expiresAt: expiresAt.getTime() })
    },
    async recall(id): Promise<SessionNote | null> {
      const known = await own.recall(id)
      if (known !== null) return known
      const question = asked.get(id) ?? Promise.withResolvers<Recollection>()
      if (!asked.has(id)) {
        asked.set(id, question)
        journal.add({ kind: 'session_wanted', id })
      }
      const timer = setTimeout(() => question.reject(unavailable()), ANSWER_MS)
      try {
        const { ended, note } = await question.promise
        if (!ended) return note
        // From now on it is not found; this one request came too early to know.
        await own.end(id, new Date(Date.now() + ENDED_MS))
        throw unavailable()
      } finally {
        clearTimeout(timer)
        asked.delete(id)
      }
    },
    forget() {
      own = createSessionMemory(() => new Date())
    },
    answer(recollection) {
      asked.get(recollection.id)?.resolve(recollection)
    },
  }
}

/** Longer than any token of a session lasts. */
const ENDED_MS = 30 * 24 * 3_600_000

function unavailable(): CatwalkError {
  return new CatwalkError('unavailable', 'What the session had asked for is not known right now. Try again.')
}
