import { setTimeout as delay } from 'node:timers/promises'
import { EventSourceParserStream } from 'eventsource-parser/stream'
import { readApiError, routes, type ApiClient, type RouteOutput } from '../contract/index.ts'
import { anySignal, CatwalkError } from '../domain/index.ts'

type Feed = RouteOutput<'streamFeed'>

/** One message of a deployment's feed. */
export type FeedItem =
  | { readonly kind: 'deployment'; readonly deployment: NonNullable<Feed['deployment']> }
  | { readonly kind: 'event'; readonly event: NonNullable<Feed['event']> }
  | { readonly kind: 'log'; readonly log: NonNullable<Feed['log']> }
  | { readonly kind: 'deleted' }

export interface FeedOptions {
  readonly signal: AbortSignal
  /** How long the server may be out of reach before it counts as gone. */
  readonly giveUpMs?: number
  /** A connection that stays silent for longer is taken for dead and opened again. */
  readonly silenceMs?: number
}

const FIRST_DELAY_MS = 200
const LONGEST_DELAY_MS = 3000
// A deployment with a long list of warnings is some kilobytes; a log line is bounded by the server.
const LONGEST_MESSAGE = 4 * 1024 * 1024

/**
 * The live feed of a deployment, from its beginning, through cut connections and restarts of the server. Ends after
 * `deleted` only.
 * @throws ApiError when the server refuses (`deployment_not_found` once it is gone); CatwalkError `unavailable` when
 *   it stays out of reach; the signal's reason when that is aborted
 */
export async function* readFeed(api: ApiClient, id: string, options: FeedOptions): AsyncGenerator<FeedItem> {
  const { signal, giveUpMs = 60_000, silenceMs = 60_000 } = options
  const cursor: { lastEventId: string | null } = { lastEventId: null }
  let failures = 0
  let reachedAt = performance.now()
  for (;;) {
    try {
      for await (const item of readConnection(api, id, cursor, signal, silenceMs)) {
        failures = 0
        reachedAt = performance.now()
        yield item
        if (item.kind === 'deleted') return
      }
    } catch (error) {
      signal.throwIfAborted()
      if (!isPassing(error)) throw error
      if (performance.now() - reachedAt > giveUpMs) {
        throw new CatwalkError('unavailable', 'The connection to Catwalk was lost and did not come back.', {
          help: 'Check that Catwalk runs, then look again with: bin/catwalk ls',
          cause: error,
        })
      }
    }
    await delay(Math.min(FIRST_DELAY_MS * 2 ** failures, LONGEST_DELAY_MS), null, { signal })
    failures += 1
  }
}

async function* readConnection(
  api: ApiClient,
  id: string,
  cursor: { lastEventId: string | null },
  signal: AbortSignal,
  silenceMs: number,
): AsyncGenerator<FeedItem> {
  const silence = new AbortController()
  const timer = setTimeout(() => silence.abort(new TypeError('The connection went silent.')), silenceMs)
  try {
    const response = await fetch(api.url('streamFeed', { params: { id } }), {
      headers: {
        accept: 'text/event-stream',
        ...api.headers,
        ...(cursor.lastEventId === null ? {} : { 'last-event-id': cursor.lastEventId }),
      },
      signal: anySignal([signal, silence.signal]),
    })
    if (!response.ok) throw await readApiError(response)
    if (response.body === null) return
    const messages = response.body
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(
        new EventSourceParserStream({ maxBufferSize: LONGEST_MESSAGE, onComment: () => timer.refresh() }),
      )
    for await (const message of messages) {
      timer.refresh()
      const item = toItem(message.event, message.data)
      if (item !== null) yield item
      // Only now: a reader that stopped in the middle of an item has not had it.
      if (message.id !== undefined) cursor.lastEventId = message.id
    }
  } finally {
    clearTimeout(timer)
    silence.abort()
  }
}

/** Null for a kind that a newer server may send and this version does not know. */
function toItem(name: string | undefined, data: string): FeedItem | null {
  if (name === 'deleted') return { kind: 'deleted' }
  if (name !== 'deployment' && name !== 'event' && name !== 'log') return null
  const json: unknown = JSON.parse(data)
  const { deployment, event, log } = routes.streamFeed.response.parse({ [name]: json })
  if (deployment !== undefined) return { kind: 'deployment', deployment }
  if (event !== undefined) return { kind: 'event', event }
  if (log !== undefined) return { kind: 'log', log }
  return null
}

/** Whether trying again may help: the network, a restart, too much at once. Not a refusal, not a wrong answer. */
function isPassing(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if ('status' in error && typeof error.status === 'number')
    return error.status >= 500 || error.status === 429
  return error instanceof TypeError || error.name === 'AbortError'
}
