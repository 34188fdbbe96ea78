import { setTimeout } from 'node:timers/promises'
import { CatwalkError } from '../../domain/index.ts'

const FIRST_MS = 250
/** A server that ends again and again is left alone for longer each time, up to this. */
const MAX_MS = 30_000
/** Who needs the server waits this long for its next start. */
const PATIENCE_MS = 2000
/** After this long it counts as having worked. */
const SETTLED_MS = 10_000

export interface Backoff {
  /** The next start must wait this long, as far as callers are told. */
  readonly delayMs: number
  /** To be called when a server ended by itself that had been started `ageMs` ago. */
  ended(ageMs: number): void
  /**
   * Waits until the next start is due.
   * @throws CatwalkError `server_exited` when that is not soon; the signal's reason
   */
  due(signal: AbortSignal): Promise<void>
}

export function createBackoff(): Backoff {
  let delayMs = 0
  let notBefore = 0
  return {
    get delayMs() {
      return delayMs
    },
    ended(ageMs) {
      delayMs = ageMs > SETTLED_MS ? 0 : Math.min(MAX_MS, Math.max(FIRST_MS, delayMs * 2))
      notBefore = performance.now() + delayMs
    },
    async due(signal) {
      const waitMs = notBefore - performance.now()
      if (waitMs > PATIENCE_MS) {
        const text = 'The server ended shortly after its start. It will be started again.'
        throw new CatwalkError('server_exited', text)
      }
      if (waitMs > 0) await setTimeout(waitMs, undefined, { signal })
    },
  }
}
