import { anySignal, CatwalkError } from '../../domain/index.ts'
import { readBytes, type HttpResponse } from '../../network/index.ts'
import { lettersOf, splice, textOf } from '../../protocol/index.ts'
import { asError, discard, statusError } from './answers.ts'
import { JSON_HEADERS, isRepeatable, type Outgoing } from './outgoing.ts'
import { pause } from './pause.ts'
import { SILENCE_MS, type Answer, type Link } from './link.ts'

/** The revisions with a session: Streamable HTTP until 2025-11-25, and HTTP+SSE of 2024-11-05. */
export interface Legacy {
  /** Whether this connection is one of the legacy era: it has been opened with a handshake. */
  readonly isOpen: boolean
  /**
   * Sends a request. Resolves when its answer was given on, or is due on a stream.
   * @throws CatwalkError
   */
  request(
    message: Outgoing,
    id: number,
    signal: AbortSignal,
    answeredBy: (body: Buffer, message: Outgoing) => Promise<boolean>,
  ): Promise<void>
  /** Sends a notification or an answer. @throws CatwalkError */
  notify(message: Outgoing): Promise<void>
  /** Ends the session. Never rejects. */
  close(): Promise<void>
}

interface Session {
  readonly kind: 'streamable' | 'sse'
  /** `Mcp-Session-Id`; null where the server keeps none. */
  readonly id: string | null
  readonly postTo: URL
  readonly version: string
  readonly result: Answer
  readonly over: AbortController
}

const FAILURE_BYTES = 65_536
const OPEN_MS = 60_000
const ENDPOINT_MS = 15_000
const DELETE_MS = 2000
/** A listening stream that lasted this long is one that works. */
const SETTLED_MS = 5000
const MAX_RESUMES = 5
const MAX_SUBSCRIPTIONS = 1000
const EVENTS = { accept: 'text/event-stream' } as const
const INITIALIZED = Buffer.from('{"jsonrpc":"2.0","method":"notifications/initialized"}')

export function createLegacy(link: Link): Legacy {
  const { wire, url, mayReopen, output } = link.options
  const subscriptions = new Set<string>()
  let session: Session | null = null
  /** The parameters that the bridge introduced itself with. */
  let introduction = '{}'
  let level: string | null = null
  let reopening: Promise<void> | null = null
  /** Settles when the server has been told that the session is open; nothing overtakes that. */
  let ready: Promise<unknown> = Promise.resolve()

  function headersOf({ id, version }: Session): Record<string, string> {
    return { 'mcp-protocol-version': version, ...(id === null ? {} : { 'mcp-session-id': id }) }
  }

  async function post(
    to: Session,
    body: Buffer,
    repeatable: boolean,
    signal: AbortSignal,
  ): Promise<HttpResponse> {
    return wire.ask({
      method: 'POST',
      url: to.postTo,
      headers: { ...JSON_HEADERS, ...headersOf(to) },
      body,
      repeatable,
      timeoutMs: SILENCE_MS,
      signal,
    })
  }

  async function open(signal: AbortSignal): Promise<Session> {
    const limit = anySignal([signal, link.signal, AbortSignal.timeout(OPEN_MS)])
    const { id: own, answer } = link.expect(limit)
    const body = Buffer.from(`{"jsonrpc":"2.0","id":"${own}","method":"initialize","params":${introduction}}`)
    const response = await wire.ask({
      method: 'POST',
      url,
      headers: JSON_HEADERS,
      body,
      repeatable: true,
      timeoutMs: OPEN_MS,
      signal: limit,
    })
    if (response.status >= 400) {
      const said = await readBytes(response, FAILURE_BYTES)
      const error = withId(said, own)
      if (error !== null) await link.deliver(error)
      if (link.isWaiting(own)) {
        if (![400, 404, 405, 406, 415].includes(response.status)) throw statusError(response, said)
        return openEvents(limit, statusError(response, said))
      }
    } else await link.take(response, { due: own, silenceMs: OPEN_MS })
    if (link.isWaiting(own)) throw statusError(response, Buffer.alloc(0))
    const { 'mcp-session-id': id } = response.headers
    return made('streamable', sessionId(id), url, await answer, new AbortController())
  }

  /** HTTP+SSE, which clients find by asking for the stream (2025-11-25, transports, backwards compatibility). */
  async function openEvents(signal: AbortSignal, before: CatwalkError): Promise<Session> {
    const over = new AbortController()
    const { promise: endpoint, resolve, reject } = Promise.withResolvers<URL>()
    endpoint.catch(() => undefined)
    const stream = await wire
      .ask({
        method: 'GET',
        url,
        headers: EVENTS,
        repeatable: true,
        timeoutMs: ENDPOINT_MS,
        signal: anySignal([over.signal, link.signal]),
      })
      .catch((error: unknown) => {
        throw error instanceof CatwalkError && error.code === 'remote_unauthorized' ? error : before
      })
    if (stream.status !== 200 || stream.headers['content-type']?.startsWith('text/event-stream') !== true) {
      stream.body.destroy()
      throw before
    }
    const reading = link.take(stream, {
      due: null,
      silenceMs: 0,
      onEvent(event, data) {
        if (event === 'endpoint') resolveEndpoint(data)
      },
    })
    function resolveEndpoint(data: string): void {
      const to = URL.parse(data, url.href)
      if (to?.origin === url.origin) resolve(to)
      else
        reject(new CatwalkError('remote_refused', `${url.host} wants messages to be sent to another host.`))
    }
    void reading.then(
      () => reject(before),
      () => reject(before),
    )
    const late = setTimeout(() => reject(before), ENDPOINT_MS)
    try {
      const postTo = await endpoint
      const { id: own, answer } = link.expect(signal)
      const body = Buffer.from(
        `{"jsonrpc":"2.0","id":"${own}","method":"initialize","params":${introduction}}`,
      )
      const response = await wire.ask({
        method: 'POST',
        url: postTo,
        headers: JSON_HEADERS,
        body,
        repeatable: false,
        timeoutMs: OPEN_MS,
        signal,
      })
      if (response.status >= 400) throw statusError(response, await readBytes(response, FAILURE_BYTES))
      await link.take(response, { due: own, silenceMs: OPEN_MS })
      const opened = made('sse', null, postTo, await answer, over)
      void reading.then(
        () => broken(opened, null),
        (error: unknown) => broken(opened, error),
      )
      return opened
    } catch (error) {
      over.abort()
      stream.body.destroy()
      throw error
    } finally {
      clearTimeout(late)
    }
  }

  /** The stream is the session: what was asked on it will not be answered. */
  function broken(which: Session, error: unknown): void {
    if (which.over.signal.aborted || link.signal.aborted) return
    const isTooLarge = error instanceof CatwalkError && error.code === 'server_not_mcp'
    which.over.abort(
      isTooLarge
        ? error
        : new CatwalkError('remote_unavailable', `${url.host} ended the session before it answered.`),
    )
    void reopen(which).catch(() => undefined)
  }

  function made(
    kind: Session['kind'],
    id: string | null,
    postTo: URL,
    result: Answer,
    over: AbortController,
  ): Session {
    if (result.envelope.result === null) {
      // It refuses the handshake in words of its own, which the caller passes on.
      return { kind, id, postTo, version: '', result, over }
    }
    const { start, end } = result.envelope.result
    const { protocolVersion } = JSON.parse(result.line.toString('utf8', start, end)) as {
      protocolVersion?: unknown
    }
    const version =
      typeof protocolVersion === 'string' && /^[\w.-]{1,40}$/.test(protocolVersion) ? protocolVersion : ''
    return { kind, id, postTo, version, result, over }
  }

  async function reopen(lost: Session): Promise<void> {
    if (session !== lost) return
    reopening ??= openAgain(lost).finally(() => {
      reopening = null
    })
    return reopening
  }

  async function openAgain(lost: Session): Promise<void> {
    lost.over.abort()
    if (!mayReopen) {
      output('system', 'The remote server has ended the session, and what it kept of it is lost.')
      link.end()
      throw new CatwalkError('remote_unavailable', `${url.host} has ended the session.`)
    }
    const next = await open(link.signal)
    if (next.result.envelope.result === null)
      throw new CatwalkError('remote_unavailable', `${url.host} refuses to open a session again.`)
    output('system', 'The remote server had ended the session; a new one was opened.')
    await begin(next)
    const send = async (method: string, params: object): Promise<void> => {
      const { id, answer } = link.expect(anySignal([link.signal, AbortSignal.timeout(OPEN_MS)]))
      const body = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id, method, params }))
      await link.take(await post(next, body, true, link.signal), { due: id, silenceMs: OPEN_MS })
      await answer
    }
    if (level !== null) await send('logging/setLevel', { level }).catch(() => undefined)
    for (const uri of subscriptions) await send('resources/subscribe', { uri }).catch(() => undefined)
    announceChanges(next)
  }

  async function begin(next: Session): Promise<void> {
    session = next
    const told = await post(next, INITIALIZED, true, link.signal)
    discard(told)
    if (next.kind === 'streamable') void listen(next)
  }

  /** The lists may have changed meanwhile. */
  function announceChanges({ result: { line, envelope } }: Session): void {
    if (envelope.result === null) return
    const { capabilities } = JSON.parse(
      line.toString('utf8', envelope.result.start, envelope.result.end),
    ) as {
      capabilities?: Readonly<Record<string, { listChanged?: unknown } | undefined>>
    }
    for (const list of ['tools', 'resources', 'prompts']) {
      if (capabilities?.[list]?.listChanged === true)
        link.say(`{"jsonrpc":"2.0","method":"notifications/${list}/list_changed"}`)
    }
  }

  /** Hears what the server says by itself (2025-11-25, listening for messages). Never rejects. */
  async function listen(to: Session): Promise<void> {
    const signal = anySignal([to.over.signal, link.signal])
    let lastId: string | null = null
    let askedMs: number | null = null
    for (let failures = 0; !signal.aborted; failures++) {
      const startedAt = performance.now()
      try {
        const answer = await wire.ask({
          method: 'GET',
          url: to.postTo,
          headers: { ...EVENTS, ...headersOf(to), ...(lastId === null ? {} : { 'last-event-id': lastId }) },
          repeatable: true,
          timeoutMs: OPEN_MS,
          signal,
        })
        const { status, headers } = answer
        const isStream = status === 200 && headers['content-type']?.startsWith('text/event-stream') === true
        if (!isStream) answer.body.destroy()
        if (status === 404 && to.id !== null) return await reopen(to)
        // It has none to offer.
        if (!isStream && status < 500 && status !== 409) return
        if (isStream) {
          await link.take(answer, {
            due: null,
            silenceMs: 0,
            onId: (id) => (lastId = id),
            onRetry: (ms) => (askedMs = ms),
          })
        }
      } catch (error) {
        if (signal.aborted) return
        if (error instanceof CatwalkError && error.code === 'remote_unauthorized')
          return output('system', error.message)
      }
      if (performance.now() - startedAt > SETTLED_MS) failures = 0
      await pause(failures, askedMs, signal).catch(() => undefined)
    }
  }

  /** The session to use. @throws CatwalkError */
  async function usable(): Promise<Session> {
    await ready
    if (session === null) throw new CatwalkError('server_not_mcp', 'The session is not open yet.')
    if (session.over.signal.aborted || reopening !== null) await reopen(session)
    return session
  }

  /** Sends, in a new session where the server has forgotten the one that there was (404; by some 400). */
  async function deliverTo(
    message: Outgoing,
    signal: AbortSignal,
    taken: (answer: HttpResponse, failure: Buffer | null, to: Session) => Promise<void>,
  ): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      const to = await usable()
      const answer = await post(to, message.bytes, isRepeatable(message), signal)
      if (answer.status < 400) return taken(answer, null, to)
      const failure = await readBytes(answer, FAILURE_BYTES)
      if (attempt > 0 || !isForgotten(to, answer.status, failure)) return taken(answer, failure, to)
      await reopen(to)
    }
  }

  /** Reads the rest of an answer whose stream broke (2025-11-25, resumability and redelivery). */
  async function resume(
    id: number,
    lastId: string,
    askedMs: number | null,
    to: Session,
    signal: AbortSignal,
  ): Promise<void> {
    let last = lastId
    let waitMs = askedMs
    for (let failures = 0; failures < MAX_RESUMES && link.isWaiting(id); failures++) {
      if (failures > 0 || waitMs !== null) await pause(Math.max(0, failures - 1), waitMs, signal)
      try {
        const answer = await wire.ask({
          method: 'GET',
          url: to.postTo,
          headers: { ...EVENTS, ...headersOf(to), 'last-event-id': last },
          repeatable: true,
          timeoutMs: OPEN_MS,
          signal,
        })
        if (answer.status >= 400) {
          answer.body.destroy()
          continue
        }
        await link.take(answer, {
          due: id,
          silenceMs: SILENCE_MS,
          onId(next) {
            last = next
            failures = 0
          },
          onRetry: (ms) => (waitMs = ms),
        })
      } catch (error) {
        signal.throwIfAborted()
        if (error instanceof CatwalkError && error.code !== 'remote_unavailable') throw error
      }
    }
  }

  async function ordinary(
    message: Outgoing,
    id: number,
    signal: AbortSignal,
    answeredBy: (body: Buffer, message: Outgoing) => Promise<boolean>,
  ): Promise<void> {
    await deliverTo(message, signal, async (answer, failure, to) => {
      if (failure !== null) {
        if (!(await answeredBy(failure, message))) throw statusError(answer, failure)
        return
      }
      let last: string | null = null
      let askedMs: number | null = null
      const broke = await link
        .take(answer, {
          due: id,
          silenceMs: SILENCE_MS,
          onId: (next) => (last = next),
          onRetry: (ms) => (askedMs = ms),
        })
        .then(
          () => null,
          (error: unknown) => asError(error, url),
        )
      if (!link.isWaiting(id)) return
      if (broke !== null && broke.code !== 'remote_unavailable') throw broke
      if (last !== null) await resume(id, last, askedMs, to, signal)
      else if (to.kind === 'sse' && broke === null) return untilOver(id, to, signal)
      if (link.isWaiting(id)) throw broke ?? statusError(answer, Buffer.alloc(0))
    })
  }

  /** The answer comes on the other stream; whoever reads that says when it broke. */
  async function untilOver(id: number, { over }: Session, signal: AbortSignal): Promise<void> {
    const late = anySignal([over.signal, signal, AbortSignal.timeout(SILENCE_MS)])
    await Promise.race([link.answered(id), new Promise((resolve) => late.addEventListener('abort', resolve))])
    if (!link.isWaiting(id)) return
    if (over.signal.reason instanceof CatwalkError) throw over.signal.reason
    throw new CatwalkError('remote_unavailable', `${url.host} does not answer in time.`)
  }

  return {
    get isOpen() {
      return session !== null
    },
    async request(message, id, signal, answeredBy) {
      note(message)
      if (message.method !== 'initialize') return ordinary(message, id, signal, answeredBy)
      const { params } = message.envelope
      introduction = params === null ? '{}' : message.bytes.toString('utf8', params.start, params.end)
      session?.over.abort()
      session = null
      const next = await open(signal)
      const { line, envelope } = next.result
      if (envelope.result !== null) session = next
      if (envelope.id === null || message.envelope.id === null) return
      const letters = lettersOf(message.bytes, message.envelope.id)
      const said = splice(line, envelope, [{ span: envelope.id, letters }])
      await link.deliver(typeof said === 'string' ? Buffer.from(said, 'latin1') : Buffer.concat(said))
    },
    async notify(message) {
      if (session === null) return
      if (message.method === 'notifications/initialized') {
        const begun = begin(session)
        ready = begun.catch(() => undefined)
        return begun
      }
      await deliverTo(message, link.signal, async (answer, failure) => {
        if (failure !== null) throw statusError(answer, failure)
        discard(answer)
      })
    },
    async close() {
      const last = session
      session = null
      last?.over.abort()
      if (last === null || last.id === null || link.signal.aborted) return
      await wire
        .ask({
          method: 'DELETE',
          url: last.postTo,
          headers: headersOf(last),
          repeatable: true,
          timeoutMs: DELETE_MS,
          signal: AbortSignal.timeout(DELETE_MS),
        })
        .then(({ body }) => body.destroy())
        .catch(() => undefined)
    },
  }

  /** What has to be said again in a new session. */
  function note({ method, bytes, envelope }: Outgoing): void {
    const uri = textOf(bytes, envelope.uri)
    if (method === 'logging/setLevel') level = textOf(bytes, envelope.level) ?? level
    else if (uri === undefined) return
    else if (method === 'resources/unsubscribe') subscriptions.delete(uri)
    else if (method === 'resources/subscribe' && subscriptions.size < MAX_SUBSCRIPTIONS)
      subscriptions.add(uri)
  }
}

function isForgotten({ id, kind }: Session, status: number, said: Buffer): boolean {
  if (status === 404) return id !== null || kind === 'sse'
  return status === 400 && id !== null && /session/i.test(said.toString('latin1', 0, 1024))
}

/** It goes back as a header. @throws CatwalkError `server_not_mcp` */
function sessionId(value: string | readonly string[] | undefined): string | null {
  if (value === undefined) return null
  if (typeof value === 'string' && /^[\x21-\x7e]{1,1024}$/.test(value)) return value
  throw new CatwalkError('server_not_mcp', 'The remote server gives a session id that is not valid.')
}

/** An error that says to no request in particular that it was wrong is about the only one that there is. */
function withId(said: Buffer, own: string): Buffer | null {
  const text = said.toString('utf8')
  if (!/^\s*\{/.test(text) || !/"jsonrpc"/.test(text)) return null
  return Buffer.from(text.replace(/"id"\s*:\s*null/, `"id":"${own}"`))
}
