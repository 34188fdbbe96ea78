import type { Clock, Logger } from '../domain/index.ts'
import type { GatewayCall } from './gateway.ts'

/** What was counted of one token since the last batch. */
export interface TokenUse {
  readonly tokenId: string
  readonly deploymentId: string
  readonly calls: number
  /** Calls that the gateway or the bridge answered with an HTTP error. */
  readonly errors: number
  readonly lastUsedAt: Date
}

export interface UseCounter extends AsyncDisposable {
  add(call: GatewayCall): void
}

export interface UseCounterOptions {
  readonly flush: (uses: readonly TokenUse[]) => Promise<void>
  readonly intervalMs?: number
  readonly clock: Clock
  readonly logger: Logger
}

/** Counts calls in memory and hands them over in batches; a batch that fails is kept for the next one. */
export function createUseCounter(options: UseCounterOptions): UseCounter {
  const { flush, intervalMs = 5000, clock, logger } = options
  let uses = new Map<string, TokenUse>()
  let writing: Promise<void> = Promise.resolve()

  function merge(use: TokenUse): void {
    const { tokenId } = use
    const before = uses.get(tokenId)
    if (before === undefined) uses.set(tokenId, use)
    else {
      const lastUsedAt = before.lastUsedAt > use.lastUsedAt ? before.lastUsedAt : use.lastUsedAt
      uses.set(tokenId, {
        ...use,
        calls: before.calls + use.calls,
        errors: before.errors + use.errors,
        lastUsedAt,
      })
    }
  }

  async function write(): Promise<void> {
    if (uses.size === 0) return
    const batch = [...uses.values()]
    uses = new Map()
    try {
      await flush(batch)
    } catch (error) {
      logger.warn({ err: error }, 'the use of tokens could not be written; it is kept for the next time')
      for (const use of batch) merge(use)
    }
  }

  // Batches are written one after the other, so that a slow one is not overtaken.
  const next = () => (writing = writing.then(write))
  const timer = setInterval(() => void next(), intervalMs)
  timer.unref()
  return {
    add({ tokenId, deploymentId, outcome }) {
      if (tokenId === null || deploymentId === null) return
      const errors = outcome === 'ok' || outcome === 'cancelled' ? 0 : 1
      merge({ tokenId, deploymentId, calls: 1, errors, lastUsedAt: clock.now() })
    },
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      await next()
    },
  }
}
