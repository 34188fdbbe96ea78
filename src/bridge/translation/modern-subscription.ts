import { CatwalkError, type JsonObject } from '../../domain/index.ts'
import { lettersOf, textOf, toBytes, type Envelope } from '../../protocol/index.ts'
import { cancellation } from '../processes/ask.ts'
import type { BridgeCore } from '../context.ts'
import { OUR_META } from '../processes/era.ts'
import { isObject } from '../processes/handshake.ts'
import { objectAt } from './input-requests.ts'
import { covers } from './legacy-listeners.ts'
import type { Session } from '../sessions/session.ts'
import type { SessionStore } from '../sessions/session-store.ts'
import type { SharedProcesses } from '../processes/shared-processes.ts'
import type { Upstream } from '../processes/upstream.ts'

/** What legacy sessions hear of the changes of a modern server: one subscription for all of them. */
export interface ModernSubscription {
  /**
   * Subscribes to all that the sessions want now. Resolves with the URIs that the server agreed to.
   * @throws CatwalkError `server_silent` when it does not answer in time, or what ended the process
   */
  refresh(): Promise<ReadonlySet<string>>
  /** Ends the subscription when no session needs it. */
  close(): void
}

const ACKNOWLEDGE_MS = 10_000
const NONE: ReadonlySet<string> = new Set()
const LISTS = {
  tools: 'toolsListChanged',
  prompts: 'promptsListChanged',
  resources: 'resourcesListChanged',
} as const

interface Open {
  readonly upstream: Upstream
  readonly number: number
  readonly wanted: string
  readonly honoured: ReadonlySet<string>
}

export function createModernSubscription(
  context: BridgeCore,
  sessions: SessionStore,
  shared: SharedProcesses,
): ModernSubscription {
  let open: Open | null = null
  let turn: Promise<unknown> = Promise.resolve()

  function* listeners(): Iterable<Session> {
    for (const session of sessions.all()) if (session.upstream?.era === 'modern') yield session
  }

  function filterFor(upstream: Upstream): JsonObject {
    const capabilities = upstream.discovered?.['capabilities']
    const offered = isObject(capabilities) ? capabilities : {}
    const lists = Object.entries(LISTS).filter(([name]) => {
      const list = offered[name]
      return isObject(list) && list['listChanged'] === true
    })
    const uris = new Set([...listeners()].flatMap(({ subscriptions }) => [...subscriptions]))
    return {
      ...Object.fromEntries(lists.map(([, flag]) => [flag, true])),
      ...(uris.size > 0 ? { resourceSubscriptions: [...uris] } : {}),
    }
  }

  /** Each session hears it as its era says it, without the subscription that it knows nothing of. */
  function heard(line: Buffer, envelope: Envelope, method: string): void {
    const uri = method === 'notifications/resources/updated' ? textOf(line, envelope.uri) : undefined
    const params =
      uri === undefined || envelope.uri === null ? '' : `,"params":{"uri":${lettersOf(line, envelope.uri)}}`
    const name = envelope.method === null ? '""' : lettersOf(line, envelope.method)
    for (const session of listeners()) {
      if (uri !== undefined && !covers(session.subscriptions, uri)) continue
      session.listen.send(`{"jsonrpc":"2.0","method":${name}${params}}`)
    }
  }

  async function subscribe(upstream: Upstream, filter: JsonObject, wanted: string): Promise<Open> {
    const { promise, resolve, reject } = Promise.withResolvers<ReadonlySet<string>>()
    const late = setTimeout(() => {
      reject(new CatwalkError('server_silent', 'The server did not answer "subscriptions/listen" in time.'))
    }, ACKNOWLEDGE_MS)
    const number = upstream.open({
      session: null,
      subject: '',
      id: '0',
      progressToken: null,
      startedAt: Infinity,
      sink: {
        notify: () => false,
        answer: () => ended(number),
        fail(_id, error) {
          ended(number)
          reject(error)
        },
        keepAlive: () => undefined,
        abandon: () => undefined,
      },
      received(line, envelope, method) {
        if (method === 'notifications/subscriptions/acknowledged') resolve(honouredBy(line, envelope))
        else if (open?.number === number) heard(line, envelope, method)
      },
    })
    function ended(which: number): void {
      resolve(NONE)
      if (open?.number === which) open = null
    }
    const params = { _meta: OUR_META, notifications: filter }
    upstream.send(
      toBytes(JSON.stringify({ jsonrpc: '2.0', id: number, method: 'subscriptions/listen', params })),
    )
    try {
      return { upstream, number, wanted, honoured: await promise }
    } catch (error) {
      cancel({ upstream, number })
      throw error
    } finally {
      clearTimeout(late)
    }
  }

  async function update(): Promise<ReadonlySet<string>> {
    const upstream = await shared.open('modern')
    if (upstream === null || context.stopping) return NONE
    const filter = filterFor(upstream)
    const wanted = JSON.stringify(filter)
    if (open?.upstream === upstream && open.wanted === wanted) return open.honoured
    if (wanted === '{}') return NONE
    const before = open
    open = await subscribe(upstream, filter, wanted)
    if (before !== null) cancel(before)
    return open.honoured
  }

  return {
    async refresh() {
      const done = turn.then(update)
      turn = done.catch(() => undefined)
      return done
    },
    close() {
      if (open === null) return
      cancel(open)
      open = null
    },
  }
}

function cancel({ upstream, number }: Pick<Open, 'upstream' | 'number'>): void {
  upstream.close(number)
  if (upstream.alive) upstream.send(cancellation(number))
}

function honouredBy(line: Buffer, { params }: Envelope): ReadonlySet<string> {
  const { notifications } = params === null ? {} : objectAt(line, params)
  const uris = isObject(notifications) ? notifications['resourceSubscriptions'] : undefined
  if (!Array.isArray(uris)) return NONE
  return new Set((uris as unknown[]).filter((uri) => typeof uri === 'string'))
}
