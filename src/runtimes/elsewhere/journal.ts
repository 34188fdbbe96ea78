import type { InstanceEnd, LogStream, SessionNote } from '../../domain/index.ts'
import type { Message } from '../../forwarding/index.ts'

/** What the program in the image tells, as one JSON object a line. Numbered, so that who lost the connection goes on. */
export type JournalEntry =
  | { readonly kind: 'line'; readonly stream: LogStream; readonly line: string }
  | {
      readonly kind: 'prepared'
      readonly lockFile: string
      readonly packages: number
      readonly fromStore: boolean
    }
  | { readonly kind: 'started' }
  /** Nothing runs, and why. The last entry. */
  | { readonly kind: 'failed'; readonly error: Message }
  /** The last entry. */
  | { readonly kind: 'ended'; readonly end: InstanceEnd }
  | { readonly kind: 'session_ended'; readonly id: string; readonly expiresAt: number }
  | {
      readonly kind: 'session_kept'
      readonly id: string
      readonly note: SessionNote
      readonly expiresAt: number
    }
  /** Asks what is remembered of a session; the answer comes as a {@link Recollection}. */
  | { readonly kind: 'session_wanted'; readonly id: string }

export type NumberedEntry = JournalEntry & { readonly number: number }

/** Between entries, so that the other side knows that the connection lives, and how long nobody has called. */
export interface Pulse {
  readonly kind: 'pulse'
  readonly idleMs: number | null
}

/** What a session left behind, see `SessionMemory`. */
export interface Recollection {
  readonly id: string
  readonly ended: boolean
  readonly note: SessionNote | null
}

/** How often a pulse is sent at least. */
export const PULSE_MS = 1_000

/** Entries are told once; what nobody fetched in time is given up beyond this, oldest lines first. */
const KEPT_BYTES = 4 * 1024 * 1024

/** What has been told and not yet forgotten. */
export interface Journal {
  add(entry: JournalEntry): void
  /** Entries from this number on, as lines. */
  from(number: number): { readonly text: string; readonly next: number }
  /** Resolves when there is something new, or after the time. */
  changed(limitMs: number): Promise<void>
  /** Number of the next entry. */
  readonly next: number
}

export function createJournal(): Journal {
  let first = 0
  let bytes = 0
  const lines: string[] = []
  let waiting: (() => void)[] = []

  const wake = (): void => {
    const all = waiting
    waiting = []
    for (const go of all) go()
  }
  return {
    get next() {
      return first + lines.length
    },
    add(entry) {
      const text = `${JSON.stringify({ ...entry, number: first + lines.length })}\n`
      lines.push(text)
      bytes += text.length
      while (bytes > KEPT_BYTES && lines.length > 1) {
        bytes -= lines.shift()?.length ?? 0
        first++
      }
      wake()
    },
    from(number) {
      const start = Math.max(0, number - first)
      return { text: lines.slice(start).join(''), next: first + lines.length }
    },
    async changed(limitMs) {
      const { promise, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, limitMs)
      waiting.push(resolve)
      await promise
      clearTimeout(timer)
      waiting = waiting.filter((go) => go !== resolve)
    },
  }
}
