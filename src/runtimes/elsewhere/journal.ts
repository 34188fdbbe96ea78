import type { InstanceEnd, JsonObject, LogStream, Offers, SessionNote } from '../../domain/index.ts'
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
  /** Definitions of tools that are not as approved, or all where none are approved yet. */
  | { readonly kind: 'tools_seen'; readonly tools: readonly JsonObject[] }
  /** What clients with certain capabilities are offered. */
  | { readonly kind: 'offers_seen'; readonly set: string; readonly offers: Offers }
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
  /** Forgets entries before this number: somebody has them. */
  forget(number: number): void
  /** Resolves when there is something new, or after the time. */
  changed(limitMs: number): Promise<void>
  /** Number of the next entry. */
  readonly next: number
}

export function createJournal(): Journal {
  let next = 0
  // Apart, because others wait for what is not a line: a flood of lines must not take it away.
  const lines = createQueue()
  const marks = createQueue()
  let waiting: (() => void)[] = []

  const wake = (): void => {
    const all = waiting
    waiting = []
    for (const go of all) go()
  }
  return {
    get next() {
      return next
    },
    add(entry) {
      const text = `${JSON.stringify({ ...entry, number: next })}\n`
      const queue = entry.kind === 'line' ? lines : marks
      queue.push({ number: next++, text })
      wake()
    },
    from(number) {
      const all = [...lines.from(number), ...marks.from(number)]
      const text = all
        .toSorted((one, other) => one.number - other.number)
        .map((entry) => entry.text)
        .join('')
      return { text, next }
    },
    forget(number) {
      for (const queue of [lines, marks]) queue.forget(number)
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

interface Numbered {
  readonly number: number
  readonly text: string
}

/** Entries in the order of their numbers, the oldest given up when there are too many. */
function createQueue() {
  const entries: Numbered[] = []
  let bytes = 0
  return {
    push(entry: Numbered): void {
      entries.push(entry)
      bytes += entry.text.length
      while (bytes > KEPT_BYTES && entries.length > 1) bytes -= entries.shift()?.text.length ?? 0
    },
    forget(number: number): void {
      while (entries[0] !== undefined && entries[0].number < number)
        bytes -= entries.shift()?.text.length ?? 0
    },
    /** Who asks is nearly always close to the end. */
    from: (number: number): readonly Numbered[] =>
      entries.slice(entries.findLastIndex((entry) => entry.number < number) + 1),
  }
}
