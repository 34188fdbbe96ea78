import type { Logger, StoreUse } from '../../../domain/index.ts'
import { diskUsageMiB } from '../disk-usage.ts'
import type { Store } from './store.ts'

/** Keeps the store within its budget. */
export interface StoreBudget {
  /** Looks once, after whatever look is under way; removes what is not needed while the store is too large. */
  enforce(): Promise<void>
  use(): StoreUse
}

export interface StoreBudgetOptions {
  readonly store: Store
  /** Null for no limit. */
  readonly limitMiB: number | null
  /** The entries that releases in use need. */
  readonly needed: () => Promise<ReadonlySet<string>>
  /** What was used within this time stays: whoever installed it is about to start it. */
  readonly recentMs: number
  /** Aborted when the program ends: nothing is measured any more, and whoever measures is ended. */
  readonly stop: AbortSignal
  readonly logger: Logger
}

export function createStoreBudget({
  store,
  limitMiB,
  needed,
  recentMs,
  stop,
  logger,
}: StoreBudgetOptions): StoreBudget {
  // Entries never change.
  const sizes = new Map<string, number>()
  let storeMiB = 0
  let evicted = 0
  let last: Promise<void> = Promise.resolve()

  const look = async (): Promise<void> => {
    const entries = await store.entries()
    const present = new Set(entries.map(({ key }) => key))
    for (const key of sizes.keys()) if (!present.has(key)) sizes.delete(key)
    for (const { key } of entries) {
      if (sizes.has(key)) continue
      const size = await diskUsageMiB(store.pathOf(key), stop)
      if (stop.aborted) return
      if (size !== null) sizes.set(key, size)
    }
    storeMiB = [...sizes.values()].reduce((sum, size) => sum + size, 0)
    if (limitMiB === null || storeMiB <= limitMiB) return
    const kept = await needed()
    const before = Date.now() - recentMs
    for (const entry of entries) {
      const { key, usedAt } = entry
      if (storeMiB <= limitMiB) return
      if (kept.has(key) || usedAt.getTime() > before || !(await store.remove(entry))) continue
      storeMiB -= sizes.get(key) ?? 0
      sizes.delete(key)
      evicted += 1
      logger.info({ installation: key }, 'removed an installation that no release needs')
    }
  }

  return {
    enforce: async () => {
      last = last.then(look).catch((error: unknown) => {
        logger.warn({ err: error }, 'the package store could not be brought within its budget')
      })
      return last
    },
    use: () => ({ storeMiB, storeLimitMiB: limitMiB, evicted }),
  }
}
