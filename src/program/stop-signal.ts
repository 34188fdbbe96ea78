import type { Logger } from '../domain/index.ts'

// Ctrl+C reaches us from the terminal and once more from npm, which passes it on.
const SAME_WISH_MS = 500

/** Aborted by SIGINT or SIGTERM. A second one, if it is not an echo of the first, ends the program at once. */
export function stopSignal(logger: Logger): AbortSignal {
  const controller = new AbortController()
  let toldAt = 0
  const onSignal = (signal: NodeJS.Signals): void => {
    if (controller.signal.aborted) {
      if (performance.now() - toldAt < SAME_WISH_MS) return
      logger.warn({ signal }, 'ended at once')
      process.exit(130)
    }
    toldAt = performance.now()
    controller.abort(new Error(`told to stop by ${signal}`))
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  return controller.signal
}

/** Resolves when the signal is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
