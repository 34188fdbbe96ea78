import { Readable, Writable } from 'node:stream'
import type { ServerProcess } from '../../bridge/index.ts'
import { anySignal, CatwalkError, cutText, type InstanceEnd, type JsonObject } from '../../domain/index.ts'
import { readBytes, type HttpResponse } from '../../network/index.ts'
import {
  createLineReader,
  isJsonType,
  messageKind,
  mirroredParams,
  ownNumber,
  RPC,
  rpcError,
  scan,
  splice,
  textOf,
  type Bytes,
  type Envelope,
  type MirroredParam,
} from '../../protocol/index.ts'
import { asError, discard, statusError } from './answers.ts'
import { readEvents } from './events.ts'
import { createLegacy, type Legacy } from './legacy.ts'
import { SILENCE_MS, type Answer, type Link, type RemoteProcessOptions } from './link.ts'
import { idLetters, isRepeatable, MAX_DEPTH, modernHeaders, readOutgoing, type Outgoing } from './outgoing.ts'
import { pause } from './pause.ts'

/** A request that waits for its answer. */
interface Waiting {
  readonly method: string
  readonly modern: boolean
  readonly aborter: AbortController
  /** What became of the acknowledgement of a subscription: one that is made anew has none for the client. */
  acknowledged: boolean
  readonly settled: PromiseWithResolvers<void>
}

/** Bodies on their way; more of them wait on our side. */
const MAX_OUTBOUND = 64 * 1_048_576
/** Of answers that are not complete, all together. */
const MAX_INBOUND = 256 * 1_048_576
/** After the answer, for a stream to end by itself, so that its connection can be used again. */
const END_MS = 1000
const FAILURE_BYTES = 1_048_576
const MAX_STRAY = 8192
const LEARN_MS = 10_000
const MAX_PAGES = 100
const NEWLINE = Buffer.from('\n')

/**
 * A server that someone else runs, as the bridge knows servers: what is written to its stdin goes out over HTTP, and what
 * comes back appears on its stdout. Revisions with a session and without are told apart by the messages themselves
 * (2026-07-28, Streamable HTTP, backward compatibility).
 */
export function connectRemote(options: RemoteProcessOptions): ServerProcess {
  const { wire, url, maxMessageBytes, output } = options
  const over = new AbortController()
  const ended = Promise.withResolvers<InstanceEnd>()
  const waiting = new Map<number, Waiting>()
  const own = new Map<string, (answer: Answer) => void>()
  const tools = new Map<string, readonly MirroredParam[]>()
  let failed: ((id: number, error: CatwalkError) => void) | null = null
  let nextOwn = 1
  let toolsKnown = false
  let outbound = 0
  let inbound = 0
  let stopping: Promise<void> | null = null
  let wasStopped = false
  const roomWaiters: (() => void)[] = []
  const drained: (() => void)[] = []

  const stdout = new Readable({
    read: () => {
      for (const go of drained.splice(0)) go()
    },
  })
  const readLines = createLineReader(maxMessageBytes, {
    // The line is only lent.
    line: (bytes) => void send(Buffer.from(bytes)),
    tooLong: () => output('system', 'A message was too large to be sent.'),
  })
  const stdin = new Writable({
    write(chunk: Buffer, _encoding, done) {
      readLines(chunk)
      if (outbound <= MAX_OUTBOUND) done()
      else roomWaiters.push(done)
    },
  })

  async function room(): Promise<void> {
    if (stdout.readableLength < stdout.readableHighWaterMark || stdout.destroyed) return
    await new Promise<void>((resolve) => drained.push(resolve))
  }

  function say(message: Bytes): void {
    if (stdout.destroyed || stdout.readableEnded || over.signal.aborted) return
    for (const part of typeof message === 'string' ? [Buffer.from(message, 'latin1')] : message)
      stdout.push(part)
    stdout.push(NEWLINE)
  }

  function stray(bytes: Buffer): void {
    output('stdout', cutText(bytes, MAX_STRAY))
  }

  /** Whether the bridge is to see it. */
  function passes(line: Buffer, envelope: Envelope): boolean {
    const kind = messageKind(line, envelope)
    if (kind === 'response' && envelope.id !== null) {
      const number = ownNumber(line, envelope.id)
      const call = number === undefined ? undefined : waiting.get(number)
      if (number !== undefined && call !== undefined) {
        waiting.delete(number)
        call.settled.resolve()
        if (call.modern && call.method === 'tools/list') learn(line, envelope)
        return true
      }
      const name = textOf(line, envelope.id) ?? ''
      const mine = own.get(name)
      own.delete(name)
      mine?.({ line, envelope })
      // Late answers end here.
      return false
    }
    if (kind !== 'notification' || envelope.subscriptionId === null) return kind !== null
    if (textOf(line, envelope.method) !== 'notifications/subscriptions/acknowledged') return true
    const call = waiting.get(ownNumber(line, envelope.subscriptionId) ?? 0)
    if (call === undefined) return true
    const isFirst = !call.acknowledged
    call.acknowledged = true
    return isFirst
  }

  async function deliver(bytes: Buffer): Promise<void> {
    let found: Envelope | readonly Envelope[]
    try {
      found = scan(bytes, { maxDepth: MAX_DEPTH, trusted: false })
    } catch {
      return stray(bytes)
    }
    await room()
    for (const envelope of 'length' in found ? found : [found])
      if (passes(bytes, envelope)) say(splice(bytes, envelope, []))
  }

  function learn(line: Buffer, { result }: Envelope): void {
    if (result === null) return
    const { tools: listed } = JSON.parse(line.toString('utf8', result.start, result.end)) as {
      tools?: unknown
    }
    toolsKnown = true
    if (!Array.isArray(listed)) return
    for (const tool of listed as readonly unknown[]) {
      if (typeof tool !== 'object' || tool === null || !('name' in tool) || typeof tool.name !== 'string')
        continue
      tools.set(tool.name, 'inputSchema' in tool ? mirroredParams(tool.inputSchema) : [])
    }
  }

  /** Which arguments a server wants in headers is in its list of tools. */
  async function learnTools({ modern, bytes, envelope }: Outgoing): Promise<void> {
    if (toolsKnown || envelope.meta === null) return
    toolsKnown = true
    const signal = anySignal([over.signal, AbortSignal.timeout(LEARN_MS)])
    const meta = bytes.toString('utf8', envelope.meta.start, envelope.meta.end)
    try {
      let cursor: string | undefined
      for (let page = 0; page < MAX_PAGES; page++) {
        const { id, answer } = link.expect(signal)
        const text = `{"jsonrpc":"2.0","id":"${id}","method":"tools/list","params":{"_meta":${meta}${cursor === undefined ? '' : `,"cursor":${JSON.stringify(cursor)}`}}}`
        const asked = readOutgoing(Buffer.from(text))
        if (asked === null) return
        const response = await wire.ask({
          method: 'POST',
          url,
          headers: modernHeaders({ ...asked, modern }, () => []),
          body: asked.bytes,
          repeatable: true,
          timeoutMs: LEARN_MS,
          signal,
        })
        await link.take(response, { due: id, silenceMs: LEARN_MS })
        const { line, envelope: found } = await answer
        learn(line, found)
        const next = nextCursor(line, found)
        if (next === undefined) return
        cursor = next
      }
    } catch {
      // Then the call itself says what is wrong.
    }
  }

  const link: Link = {
    options,
    signal: over.signal,
    deliver,
    say,
    expect(signal) {
      const id = `catwalk-${nextOwn++}`
      const { promise, resolve, reject } = Promise.withResolvers<Answer>()
      const giveUp = () => {
        own.delete(id)
        reject(new CatwalkError('server_silent', `${url.host} does not answer in time.`))
      }
      if (signal.aborted) giveUp()
      signal.addEventListener('abort', giveUp, { once: true })
      own.set(id, (answer) => {
        signal.removeEventListener('abort', giveUp)
        resolve(answer)
      })
      promise.catch(() => undefined)
      return { id, answer: promise }
    },
    answered: async (id) => waiting.get(id)?.settled.promise,
    isWaiting: (id) => (typeof id === 'number' ? waiting.has(id) : own.has(id)),
    async take(answer, { due, onId, onRetry, onEvent, silenceMs }) {
      const { body, headers, status } = answer
      const type = headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase()
      if (type === 'text/event-stream') {
        let ending: NodeJS.Timeout | undefined
        const handler = {
          event: async ({ event, data }: { event: string; data: Buffer }) => {
            if (event === 'message') await deliver(data)
            else onEvent?.(event, data.toString('utf8', 0, MAX_STRAY).trim())
            if (due !== null && !link.isWaiting(due))
              ending ??= setTimeout(() => body.destroy(), END_MS).unref()
          },
          id: (id: string) => onId?.(id),
          retry: (ms: number) => onRetry?.(ms),
        }
        try {
          await readEvents(answer, handler, { maxBytes: maxMessageBytes, silenceMs })
        } catch (error) {
          // What was due is there.
          if (due === null || link.isWaiting(due)) throw error
        } finally {
          clearTimeout(ending)
        }
        return
      }
      if (status === 202 || status === 204 || !isJsonType(headers['content-type'])) {
        discard(answer)
        return
      }
      const length = Number(headers['content-length'] ?? 0)
      inbound += length
      try {
        if (inbound > MAX_INBOUND)
          throw new CatwalkError('unavailable', 'Too much is being received at once.')
        const silence = setTimeout(() => body.destroy(new Error('silent')), silenceMs || SILENCE_MS)
        const bytes = await readBytes(answer, maxMessageBytes).finally(() => clearTimeout(silence))
        if (bytes.length > 0) await deliver(bytes)
      } finally {
        inbound -= length
        body.destroy()
      }
    },
    fail(id, error) {
      if (!waiting.delete(id)) return
      failed?.(id, error)
    },
    end() {
      if (over.signal.aborted) return
      over.abort()
      ended.resolve({ reason: wasStopped ? 'stopped' : 'exited', exitCode: null, signal: null })
      stdout.push(null)
    },
  }
  const legacy: Legacy = createLegacy(link)

  async function modernRequest(message: Outgoing, id: number, call: Waiting): Promise<void> {
    if (message.method === 'tools/call') await learnTools(message)
    const isListening = message.method === 'subscriptions/listen'
    for (let failures = 0; ; failures++) {
      try {
        const answer = await wire.ask({
          method: 'POST',
          url,
          headers: modernHeaders(message, (tool) => tools.get(tool) ?? []),
          body: message.bytes,
          repeatable: isRepeatable(message),
          timeoutMs: SILENCE_MS,
          signal: call.aborter.signal,
        })
        const isStream = answer.headers['content-type']?.startsWith('text/event-stream') === true
        if (answer.status >= 400) await refused(answer, message)
        else await link.take(answer, { due: id, silenceMs: isListening && isStream ? 0 : SILENCE_MS })
        if (!waiting.has(id)) return
        if (!isListening || !call.acknowledged) throw statusError(answer, Buffer.alloc(0))
      } catch (error) {
        // A subscription that broke off is made again: the client has been told that it holds.
        if (!isListening || !call.acknowledged || call.aborter.signal.aborted) throw error
      }
      await pause(failures, null, call.aborter.signal)
    }
  }

  /** What an answer of 400 and above says to a request. */
  async function refused(answer: HttpResponse, message: Outgoing): Promise<void> {
    const body = await readBytes(answer, FAILURE_BYTES)
    if (await answeredBy(body, message)) return
    if (message.method !== 'server/discover') throw statusError(answer, body)
    // Anything but an error of the modern era means a server of the other one.
    await deliver(
      Buffer.from(rpcError(idLetters(message), RPC.methodNotFound, `HTTP ${answer.status}`) as string),
    )
  }

  /** Whether a body holds the answer to a request. An error without an id is one: it can be about nothing else. */
  async function answeredBy(body: Buffer, { id, envelope, bytes }: Outgoing): Promise<boolean> {
    let found: Envelope | readonly Envelope[]
    try {
      found = scan(body, { maxDepth: MAX_DEPTH, trusted: false })
    } catch {
      return false
    }
    if ('length' in found || id === null || envelope.id === null || found.error === null) return false
    if (found.id !== null && ownNumber(body, found.id) === undefined && textOf(body, found.id) !== undefined)
      return false
    const letters = bytes.toString('latin1', envelope.id.start, envelope.id.end)
    const error = body.toString('utf8', found.error.start, found.error.end)
    await deliver(Buffer.from(`{"jsonrpc":"2.0","id":${letters},"error":${error}}`))
    return true
  }

  async function request(message: Outgoing, id: number): Promise<void> {
    const aborter = new AbortController()
    const call: Waiting = {
      method: message.method,
      modern: message.modern !== null,
      aborter,
      acknowledged: false,
      settled: Promise.withResolvers(),
    }
    waiting.set(id, call)
    const giveUp = () => aborter.abort()
    over.signal.addEventListener('abort', giveUp, { once: true })
    try {
      if (call.modern) await modernRequest(message, id, call)
      else await legacy.request(message, id, aborter.signal, answeredBy)
    } catch (error) {
      if (!aborter.signal.aborted) link.fail(id, asError(error, url))
    } finally {
      over.signal.removeEventListener('abort', giveUp)
      call.settled.resolve()
      if (waiting.get(id) === call) waiting.delete(id)
    }
  }

  async function cancel(message: Outgoing): Promise<void> {
    const { requestId } = message.envelope
    const id = requestId === null ? undefined : ownNumber(message.bytes, requestId)
    const call = id === undefined ? undefined : waiting.get(id)
    if (call?.modern !== true) await legacy.notify(message)
    // In the modern era this alone is the cancellation.
    if (id !== undefined) waiting.delete(id)
    call?.aborter.abort()
  }

  async function send(bytes: Buffer): Promise<void> {
    outbound += bytes.length
    try {
      const read = readOutgoing(bytes)
      if (read === null) return
      // What a client of the modern era says to a legacy server still bears the marks of its own.
      const message = legacy.isOpen ? { ...read, modern: null } : read
      if (message.id !== null) await request(message, message.id)
      else if (message.method === 'notifications/cancelled') await cancel(message)
      else await legacy.notify(message)
    } catch (error) {
      if (!over.signal.aborted)
        output('system', `A message could not be sent: ${asError(error, url).message}`)
    } finally {
      outbound -= bytes.length
      if (outbound <= MAX_OUTBOUND) for (const go of roomWaiters.splice(0)) go()
    }
  }

  async function stop(graceMs: number): Promise<void> {
    wasStopped = true
    const closed = legacy.close()
    if (graceMs > 0) await closed
    link.end()
    stdin.destroy()
    for (const go of drained.splice(0)) go()
    await closed
  }

  return {
    stdin,
    stdout,
    ended: ended.promise,
    onFailure(listener) {
      failed = listener
    },
    stop: async (graceMs) => (stopping ??= stop(graceMs)),
  }
}

function nextCursor(line: Buffer, { result }: Envelope): string | undefined {
  if (result === null) return undefined
  const { nextCursor: next } = JSON.parse(line.toString('utf8', result.start, result.end)) as JsonObject
  return typeof next === 'string' ? next : undefined
}
