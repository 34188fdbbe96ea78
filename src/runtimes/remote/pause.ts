import { setTimeout as sleep } from 'node:timers/promises'

const FIRST_MS = 1000
const LONGEST_MS = 60_000

/**
 * Waits before the next attempt: 1 s, 2 s, 4 s … 60 s, a part of it by chance, or what the server asked for where that is
 * longer. Rejects when `signal` fires.
 */
export async function pause(failures: number, askedMs: number | null, signal: AbortSignal): Promise<void> {
  const ownMs = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures, 10)) * (0.5 + Math.random() / 2)
  await sleep(Math.min(LONGEST_MS, Math.max(ownMs, askedMs ?? 0)), undefined, { signal })
}
