import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout } from 'node:timers/promises'
import { CatwalkError, type Caller } from '../domain/index.ts'
import { toBytes } from '../protocol/index.ts'
import { createBridge, type Bridge, type BridgeOptions } from './create-bridge.ts'
import { catwalkErrorText, respondJson } from './respond.ts'
import { createSessionMemory } from './session-memory.ts'

/** A bridge whose server is started again, by the next call, after it ended by itself. */
export interface RespawningBridge {
  handle(req: IncomingMessage, res: ServerResponse, caller: Caller): void
  stop(graceMs: number): Promise<void>
}

/** A server that ends again and again is left alone for longer each time, up to this. */
const MAX_BACKOFF_MS = 30_000
const FIRST_BACKOFF_MS = 250
/** A call waits this long for the next start. */
const PATIENCE_MS = 2000
/** After this long it counts as having worked. */
const SETTLED_MS = 10_000

/** @throws CatwalkError when the server cannot be started at all */
export async function createRespawningBridge(options: BridgeOptions): Promise<RespawningBridge> {
  const aborter = new AbortController()
  const memory = options.memory ?? createSessionMemory(() => new Date())
  let current: Bridge | null = null
  let starting: Promise<Bridge> | null = null
  let backoffMs = 0
  let notBefore = 0

  async function start(): Promise<Bridge> {
    const bridge = await createBridge({ ...options, memory }, aborter.signal)
    const startedAt = performance.now()
    current = bridge
    void watch(bridge, startedAt)
    return bridge
  }

  async function watch(bridge: Bridge, startedAt: number): Promise<void> {
    await bridge.ended
    if (current === bridge) current = null
    const worked = performance.now() - startedAt > SETTLED_MS
    backoffMs = worked ? 0 : Math.min(MAX_BACKOFF_MS, Math.max(FIRST_BACKOFF_MS, backoffMs * 2))
    notBefore = performance.now() + backoffMs
  }

  async function restart(): Promise<Bridge> {
    const waitMs = notBefore - performance.now()
    if (waitMs > PATIENCE_MS) {
      throw new CatwalkError(
        'server_exited',
        'The server ended shortly after its start. It will be started again.',
      )
    }
    if (waitMs > 0) await setTimeout(waitMs, undefined, { signal: aborter.signal })
    return start()
  }

  await start()
  return {
    handle(req, res, caller) {
      if (current !== null) return current.handle(req, res, caller)
      starting ??= restart().finally(() => {
        starting = null
      })
      starting.then(
        (bridge) => bridge.handle(req, res, caller),
        (error: unknown) => {
          const known = error instanceof CatwalkError ? error : new CatwalkError('internal', String(error))
          const retryAfter = ['retry-after', String(Math.ceil(backoffMs / 1000))]
          respondJson(
            res,
            503,
            caller.requestId,
            toBytes(catwalkErrorText(null, known, caller.requestId)),
            retryAfter,
          )
        },
      )
    },
    async stop(graceMs) {
      aborter.abort()
      await starting?.catch(() => undefined)
      await current?.stop(graceMs)
    },
  }
}
