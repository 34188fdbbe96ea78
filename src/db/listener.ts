import { setTimeout as delay } from 'node:timers/promises'
import { Client, escapeIdentifier, type ClientConfig } from 'pg'
import { anySignal, orAborted, type Logger } from '../domain/index.ts'

/** A silent connection is asked this often whether it still lives, and has this long to answer. */
const HEARTBEAT_MS = 4_000
const ANSWER_MS = 4_000
const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 5_000

/** One connection for all channels, made with the first subscription. */
export interface Listener extends AsyncDisposable {
  /** See `Database.listen`. */
  listen(
    channel: string,
    onPayload: (payload: string) => void,
    onReconnect: () => void,
  ): Promise<AsyncDisposable>
}

interface Subscription {
  readonly channel: string
  readonly onPayload: (payload: string) => void
  readonly onReconnect: () => void
  /** Settles when notifications arrive for the first time. */
  readonly ready: PromiseWithResolvers<void>
  isReady: boolean
}

/** Listens to NOTIFY on a connection of its own, which is made anew when it breaks or stops answering. */
export function createListener(config: ClientConfig, logger: Logger): Listener {
  const subscriptions = new Set<Subscription>()
  const closing = new AbortController()
  const { signal } = closing
  let client: Client | null = null
  let running: Promise<void> | null = null

  async function run(): Promise<void> {
    let pauseMs = FIRST_PAUSE_MS
    while (!signal.aborted) {
      const startedAt = performance.now()
      try {
        await session()
      } catch (error) {
        if (signal.aborted) return
        logger.warn({ err: error }, 'the connection for notifications broke; making a new one')
      }
      if (performance.now() - startedAt > LONGEST_PAUSE_MS) pauseMs = FIRST_PAUSE_MS
      // Not all replicas at the same instant.
      await delay(pauseMs * (0.5 + Math.random()), undefined, { signal }).catch(() => undefined)
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)
    }
  }

  /** One connection, from connecting until it breaks. */
  async function session(): Promise<void> {
    const connection = new Client(config)
    const broken = Promise.withResolvers<never>()
    broken.promise.catch(() => undefined)
    connection.on('error', (error) => broken.reject(error))
    connection.on('end', () => broken.reject(new Error('the server closed the connection')))
    connection.on('notification', ({ channel, payload }) => dispatch(channel, payload ?? ''))
    try {
      await orAborted(connection.connect(), signal)
      client = connection
      await subscribeAll(connection)
      for (;;) {
        await orAborted(Promise.race([broken.promise, delay(HEARTBEAT_MS, undefined, { signal })]), signal)
        await answered(connection.query('select 1'))
      }
    } finally {
      client = null
      // With a query in flight this cuts the connection; without one it says goodbye. Either way nobody waits for it.
      void connection.end().catch(() => undefined)
    }
  }

  async function subscribeAll(connection: Client): Promise<void> {
    const before = [...subscriptions].filter((subscription) => subscription.isReady)
    for (const subscription of subscriptions) await subscribe(connection, subscription)
    for (const subscription of before) guard(() => subscription.onReconnect())
  }

  async function subscribe(connection: Client, subscription: Subscription): Promise<void> {
    await answered(connection.query(`listen ${escapeIdentifier(subscription.channel)}`))
    subscription.isReady = true
    subscription.ready.resolve()
  }

  async function answered(query: Promise<unknown>): Promise<void> {
    const late = anySignal([signal, AbortSignal.timeout(ANSWER_MS)])
    await orAborted(query, late)
  }

  function dispatch(channel: string, payload: string): void {
    for (const subscription of subscriptions) {
      if (subscription.channel === channel) guard(() => subscription.onPayload(payload))
    }
  }

  /** A listener that throws must not take the connection, or the program, with it. */
  function guard(callback: () => void): void {
    try {
      callback()
    } catch (error) {
      logger.error({ err: error }, 'a listener for notifications threw')
    }
  }

  return {
    async listen(channel, onPayload, onReconnect) {
      signal.throwIfAborted()
      const ready = Promise.withResolvers<void>()
      const subscription: Subscription = { channel, onPayload, onReconnect, ready, isReady: false }
      subscriptions.add(subscription)
      running ??= run()
      // If this fails the connection is broken, and the next one subscribes.
      if (client !== null) await subscribe(client, subscription).catch(() => undefined)
      await orAborted(ready.promise, signal)
      return {
        async [Symbol.asyncDispose]() {
          subscriptions.delete(subscription)
          const shared = [...subscriptions].some((other) => other.channel === channel)
          if (client === null || shared) return
          await answered(client.query(`unlisten ${escapeIdentifier(channel)}`)).catch(() => undefined)
        },
      }
    },
    async [Symbol.asyncDispose]() {
      closing.abort(new Error('the database is being closed'))
      await running
    },
  }
}
