/** Runs a task once for everybody who wants its result at the same time. */
export interface SharedTasks<Result, News> {
  /**
   * Joins the task of this key, or begins it. It is told to stop only when everybody who joined has given up.
   * @param news hears what the task reports from now on
   */
  join(
    key: string,
    task: SharedTask<Result, News>,
    news: (item: News) => void,
    signal: AbortSignal,
  ): Promise<Result>
}

export type SharedTask<Result, News> = (report: (item: News) => void, signal: AbortSignal) => Promise<Result>

interface Running<Result, News> {
  readonly result: Promise<Result>
  readonly listeners: Set<(item: News) => void>
  readonly stop: AbortController
}

export function createSharedTasks<Result, News>(): SharedTasks<Result, News> {
  const running = new Map<string, Running<Result, News>>()

  const begin = (key: string, task: SharedTask<Result, News>): Running<Result, News> => {
    const listeners = new Set<(item: News) => void>()
    const stop = new AbortController()
    const report = (item: News): void => {
      for (const listener of listeners) listener(item)
    }
    const result = task(report, stop.signal).finally(() => {
      if (running.get(key) === begun) running.delete(key)
    })
    const begun = { result, listeners, stop }
    running.set(key, begun)
    return begun
  }

  return {
    join: async (key, task, news, signal) => {
      signal.throwIfAborted()
      const found = running.get(key) ?? begin(key, task)
      // Two who join with the same function are still two.
      const listener = (item: News): void => news(item)
      found.listeners.add(listener)
      const leave = (): void => {
        if (!found.listeners.delete(listener) || found.listeners.size > 0) return
        // Whoever comes now begins anew instead of joining what is about to stop.
        if (running.get(key) === found) running.delete(key)
        found.stop.abort(signal.reason)
      }
      signal.addEventListener('abort', leave, { once: true })
      try {
        const result = await found.result
        signal.throwIfAborted()
        return result
      } finally {
        signal.removeEventListener('abort', leave)
        found.listeners.delete(listener)
      }
    },
  }
}
