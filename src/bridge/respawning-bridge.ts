import { CatwalkError, type Endpoint } from '../domain/index.ts'
import { createBackoff } from './processes/backoff.ts'
import { createBridge, type Bridge, type BridgeOptions } from './create-bridge.ts'
import { catwalkError, respondJson } from './http/respond.ts'
import { createSessionMemory } from './sessions/session-memory.ts'

/** A bridge whose server is started again, by the next call, after it ended by itself. */
export interface RespawningBridge extends Endpoint {
  stop(graceMs: number): Promise<void>
}

/** @throws CatwalkError when the server cannot be started at all */
export async function createRespawningBridge(options: BridgeOptions): Promise<RespawningBridge> {
  const aborter = new AbortController()
  const memory = options.memory ?? createSessionMemory(() => new Date())
  let current: Bridge | null = null
  let starting: Promise<Bridge> | null = null
  const backoff = createBackoff()
  let era = options.era ?? null

  async function start(): Promise<Bridge> {
    const bridge = await createBridge(
      { ...options, memory, ...(era === null ? {} : { era }) },
      aborter.signal,
    )
    current = bridge
    void watch(bridge)
    return bridge
  }

  async function watch(bridge: Bridge): Promise<void> {
    const startedAt = performance.now()
    await bridge.ended
    era = bridge.era
    if (current === bridge) current = null
    backoff.ended(performance.now() - startedAt)
  }

  async function restart(): Promise<Bridge> {
    await backoff.due(aborter.signal)
    return start()
  }

  async function running(): Promise<Bridge> {
    if (current !== null) return current
    starting ??= restart().finally(() => {
      starting = null
    })
    return starting
  }

  await start()
  return {
    request: async (method, params, caller, signal) =>
      (await running()).request(method, params, caller, signal),
    probe: async (signal) => (await running()).probe(signal),
    handle(req, res, caller) {
      if (current !== null) return current.handle(req, res, caller)
      running().then(
        (bridge) => bridge.handle(req, res, caller),
        (error: unknown) => {
          const known = error instanceof CatwalkError ? error : new CatwalkError('internal', String(error))
          const retryAfter = ['retry-after', String(Math.ceil(backoff.delayMs / 1000))]
          respondJson(res, 503, caller.requestId, catwalkError(null, known, caller.requestId), retryAfter)
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
