/** What each signal was made of: kept for as long as it is kept itself. */
const sources = new WeakMap<AbortSignal, readonly AbortSignal[]>()

/**
 * A signal that fires with the first of several. In place of `AbortSignal.any`, whose signal Node 24 lets forget what it
 * was made of while nobody listens to it: a time-out that passes, or could have passed, between two waits is then never
 * heard of.
 */
export function anySignal(signals: readonly AbortSignal[]): AbortSignal {
  const any = AbortSignal.any([...signals])
  sources.set(any, signals)
  return any
}
