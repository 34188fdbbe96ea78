import { setTimeout as delay } from 'node:timers/promises'

/** Whether the engine answers. */
export interface Presence {
  /**
   * Asks it.
   * @returns for how long it has not answered, in milliseconds, also when it is back only just; null when it answers
   */
  readonly awayMs: (signal: AbortSignal) => Promise<number | null>
  /** It did not answer somebody: it is asked from now on until it does. */
  readonly missed: () => void
}

export interface PresenceOptions {
  readonly answers: (signal: AbortSignal) => Promise<boolean>
  /** Called when it is missed. */
  readonly onAway: () => void
  /** Called when it answers again; while this fails it counts as away. */
  readonly onBack: () => Promise<void>
  readonly pollMs: number
  /** What failed because of it is known so much later at most; one that goes away again by then was never back. */
  readonly settledMs: number
  /** In milliseconds, from anywhere. */
  readonly now?: () => number
}

/** Keeps watch over an engine while it is away. Does not keep the program from ending. */
export function createPresence(options: PresenceOptions): Presence {
  const { answers, onAway, onBack, pollMs, settledMs, now = () => performance.now() } = options
  const never = new AbortController().signal
  let since: number | null = null
  let last = { from: 0, to: -Infinity }
  const isJustBack = (): boolean => now() - last.to < settledMs

  async function watch(from: number): Promise<void> {
    do await delay(pollMs, undefined, { ref: false })
    while (!(await isBack()))
    last = { from, to: now() }
    since = null
  }

  async function isBack(): Promise<boolean> {
    if (!(await answers(never))) return false
    return onBack().then(
      () => true,
      () => false,
    )
  }

  function missed(): void {
    if (since !== null) return
    since = isJustBack() ? last.from : now()
    onAway()
    void watch(since)
  }

  return {
    missed,
    async awayMs(signal) {
      if (!(await answers(signal))) missed()
      if (since !== null) return now() - since
      return isJustBack() ? last.to - last.from : null
    },
  }
}
