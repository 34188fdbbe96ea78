/** Lets only so many tasks run at a time; the others wait in the order in which they came. */
export interface Slots {
  /** Waits for a slot, runs the task in it, and frees it. Rejects with the signal's reason while it waits. */
  run<T>(signal: AbortSignal, task: () => Promise<T>): Promise<T>
}

export function createSlots(count: number): Slots {
  let free = count
  const waiting: (() => void)[] = []
  const take = async (signal: AbortSignal): Promise<void> => {
    signal.throwIfAborted()
    if (free > 0) {
      free -= 1
      return
    }
    await new Promise<void>((resolve, reject) => {
      const go = (): void => {
        signal.removeEventListener('abort', leave)
        resolve()
      }
      const leave = (): void => {
        waiting.splice(waiting.indexOf(go), 1)
        reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'))
      }
      waiting.push(go)
      signal.addEventListener('abort', leave, { once: true })
    })
  }
  return {
    run: async (signal, task) => {
      await take(signal)
      try {
        return await task()
      } finally {
        // Handed on, so that nobody who comes now gets in before those who wait.
        const next = waiting.shift()
        if (next === undefined) free += 1
        else next()
      }
    },
  }
}
