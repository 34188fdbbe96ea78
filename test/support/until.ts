import { setTimeout as delay } from 'node:timers/promises'

/**
 * Asks again and again until the answer is not null, and returns it. For what another process or a database does.
 * @throws Error with `what` when it takes longer than `limitMs`
 */
export async function until<T>(
  what: string,
  ask: () => Promise<T | null> | T | null,
  limitMs = 20_000,
): Promise<T> {
  const end = performance.now() + limitMs
  for (;;) {
    const answer = await ask()
    if (answer !== null) return answer
    if (performance.now() > end) throw new Error(`waited ${limitMs} ms in vain: ${what}`)
    await delay(15)
  }
}
