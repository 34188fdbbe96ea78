import { setTimeout as delay } from 'node:timers/promises'
import { orAborted, type Logger } from '../../domain/index.ts'
import type { Postmaster } from './postmaster.ts'

const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 30_000

export interface Supervised extends AsyncDisposable {
  /** Stops the server, does the work, starts it again. */
  whileStopped<T>(work: () => Promise<T>): Promise<T>
}

/** Keeps one server running until it is disposed: what ends by itself is started again, with growing pauses. */
export function supervise(
  first: Postmaster,
  start: (signal: AbortSignal) => Promise<Postmaster>,
  logger: Logger,
): Supervised {
  const closing = new AbortController()
  const { signal } = closing
  let current = first
  let pause: Promise<unknown> = Promise.resolve()
  const running = run()

  async function run(): Promise<void> {
    try {
      for (;;) {
        const watched = current
        const how = await orAborted(watched.ended, signal)
        await pause.catch(() => undefined)
        if (current !== watched) continue
        logger.error({}, `the embedded database ended by itself (${how}); starting it again`)
        await startAgain()
      }
    } catch (error) {
      if (!signal.aborted) throw error
    } finally {
      await current.stop()
    }
  }

  async function startAgain(): Promise<void> {
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      await delay(pauseMs, undefined, { signal })
      try {
        current = await start(signal)
        return
      } catch (error) {
        signal.throwIfAborted()
        logger.error({ err: error }, 'the embedded database did not start')
      }
    }
  }

  return {
    async whileStopped(work) {
      const stopped = current
      const startAfter = async () => {
        await stopped.stop()
        try {
          return await work()
        } finally {
          current = await start(signal)
        }
      }
      const result = startAfter()
      pause = result
      return result
    },
    async [Symbol.asyncDispose]() {
      closing.abort(new Error('the database is being closed'))
      await pause.catch(() => undefined)
      await running
    },
  }
}
