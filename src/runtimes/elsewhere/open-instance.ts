import type { IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import {
  anySignal,
  CatwalkError,
  isCapabilitySet,
  orAborted,
  type Instance,
  type InstanceEnd,
  type InstanceTools,
  type JsonObject,
  type LineSink,
  type LogStream,
  type Offers,
  type SessionMemory,
  type SessionNote,
} from '../../domain/index.ts'
import { resultOf, type FarEndpoint, type Message } from '../../forwarding/index.ts'
import { createLineReader } from '../../protocol/index.ts'
import { PULSE_MS, type Recollection } from './journal.ts'
import { tellTools } from './tell-tools.ts'

export interface OpenInstanceOptions {
  readonly id: string
  readonly endpoint: FarEndpoint
  readonly output: LineSink
  readonly sessions: Pick<SessionMemory, 'isEnded' | 'end' | 'keep' | 'recall'>
  /** What the bridge there is told, and whom it tells what the server lists. */
  readonly tools?: InstanceTools | undefined
  /**
   * Why the machine has ended; null while it runs. Asked when it cannot be reached. May throw when that is not known right
   * now.
   */
  readonly whyEnded: (signal: AbortSignal) => Promise<InstanceEnd['reason'] | null>
  /** Settles when the platform tells by itself that the machine has ended. */
  readonly gone?: Promise<Pick<InstanceEnd, 'reason'>>
  /** Left out: it is not kept while it sleeps. */
  readonly rest?: {
    /** Suspends the machine with what is in its memory; false where that cannot be. Must not throw. */
    readonly suspend: () => Promise<boolean>
    /** Stops it so that it can be started again, after the program in it was asked to end. Must not throw. */
    readonly leave: () => Promise<void>
  }
  /** Ends the machine, after the program in it was asked to. Must not throw; idempotent. */
  readonly end: () => Promise<void>
}

export interface FarPrepared {
  readonly lockFile: string
  readonly packages: number
  readonly fromStore: boolean
}

/** An instance whose bridge is in a machine elsewhere. */
export interface FarInstance {
  readonly instance: Instance
  /** Resolves when its package is installed. Rejects as {@link FarInstance.started}. */
  readonly prepared: Promise<FarPrepared>
  /**
   * Resolves when the server's process runs. Rejects with a CatwalkError when it does not: what the program in the machine
   * says of it, or `server_exited` when the machine went away.
   */
  readonly started: Promise<void>
}

const MAX_LINE_BYTES = 4 * 1024 * 1024
/** Without a pulse for this long, the connection is dead. */
const SILENT_MS = 15 * PULSE_MS
const FIRST_RETRY_MS = 50
const LONGEST_RETRY_MS = 1_000
/** Beyond the grace, for the program to have ended its server. */
const STOP_MS = 5_000
const ANSWER_MS = 10_000
/** For what is on its way when a machine is said to have ended. */
const LAST_WORDS_MS = 500

/** Watches a machine from now on. Nothing is awaited here: what comes is told by the promises. */
export function openInstance(options: OpenInstanceOptions): FarInstance {
  const { endpoint, sessions, output, tools, rest } = options
  const prepared = Promise.withResolvers<FarPrepared>()
  const started = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<InstanceEnd>()
  // Who starts an instance need not wait for its installation, and the other way round.
  for (const { promise } of [prepared, started]) promise.catch(() => undefined)
  const over = new AbortController()
  const connected =
    tools === undefined
      ? () => undefined
      : tellTools({ endpoint, source: tools.source, output, signal: over.signal })
  let next = 0
  let pulse: { readonly idleMs: number | null; readonly at: number } = { idleMs: 0, at: performance.now() }
  let usedAt = performance.now()
  let stopping: Promise<void> | null = null
  let ending: Promise<void> | null = null
  let conclude = options.end
  const endMachine = async (): Promise<void> => (ending ??= conclude())
  let reading = new AbortController()

  function finish(end: InstanceEnd, cause?: unknown): void {
    over.abort()
    const error =
      cause instanceof CatwalkError
        ? cause
        : new CatwalkError('server_exited', 'The machine of the server ended before it answered.')
    prepared.reject(error)
    started.reject(error)
    ended.resolve(end)
    void endMachine()
  }

  function take(entry: Record<string, unknown>): void {
    if (typeof entry['number'] === 'number') next = entry['number'] + 1
    const { kind } = entry
    if (kind === 'pulse') {
      const { idleMs } = entry
      pulse = { idleMs: typeof idleMs === 'number' ? idleMs : null, at: performance.now() }
    } else if (kind === 'line') {
      output(streamOf(entry['stream']), String(entry['line']))
    } else if (kind === 'prepared') {
      const { lockFile, packages, fromStore } = entry
      prepared.resolve({
        lockFile: String(lockFile),
        packages: Number(packages),
        fromStore: fromStore === true,
      })
    } else if (kind === 'started') {
      started.resolve()
    } else if (kind === 'failed') {
      finish(NOT_STARTED, errorOf(entry['error']))
    } else if (kind === 'ended') {
      finish(endOf(entry['end'], stopping !== null))
    } else if (kind === 'tools_seen') {
      tools?.saw(objectsIn(entry['tools']))
    } else if (kind === 'offers_seen') {
      const { set } = entry
      if (isCapabilitySet(set)) tools?.offered(set, offersIn(entry['offers']))
    } else if (typeof entry['id'] === 'string') {
      takeSession(kind, entry['id'], entry)
    }
  }

  function takeSession(kind: unknown, id: string, entry: Record<string, unknown>): void {
    const expiresAt = new Date(Number(entry['expiresAt']))
    if (kind === 'session_ended') void sessions.end(id, expiresAt)
    if (kind === 'session_kept') void sessions.keep(id, noteOf(entry['note']), expiresAt)
    if (kind === 'session_wanted') void recollect(id)
  }

  async function recollect(id: string): Promise<void> {
    try {
      const isOver = sessions.isEnded(id)
      const answer: Recollection = { id, ended: isOver, note: isOver ? null : await sessions.recall(id) }
      const limit = anySignal([over.signal, AbortSignal.timeout(ANSWER_MS)])
      const response = await endpoint.send('POST', '/sessions', answer, limit)
      response.resume()
    } catch {
      // The machine gives up waiting, and answers the client that it is to try again.
    }
  }

  async function watch(): Promise<void> {
    let retryMs = FIRST_RETRY_MS
    const signal = anySignal([over.signal, reading.signal])
    while (!signal.aborted) {
      const before = next
      await readJournal(endpoint, before, { connected, take }, signal).catch(() => undefined)
      if (signal.aborted) return
      retryMs = next > before ? FIRST_RETRY_MS : Math.min(retryMs * 2, LONGEST_RETRY_MS)
      const reason = await options.whyEnded(signal).catch(() => null)
      if (signal.aborted) return
      if (reason !== null) return finish({ ...NOT_STARTED, reason: stopping === null ? reason : 'stopped' })
      await delay(retryMs, undefined, { signal }).catch(() => undefined)
    }
  }

  async function heed(gone: NonNullable<OpenInstanceOptions['gone']>): Promise<void> {
    try {
      const { reason } = await gone
      // What the program in it has said of its end tells more, and may still be on its way.
      await delay(LAST_WORDS_MS, undefined, { signal: over.signal })
      finish({ ...NOT_STARTED, reason: stopping === null ? reason : 'stopped' })
    } catch {
      // It is over already, or the platform cannot tell: then it is asked when the machine cannot be reached.
    }
  }

  async function stop(graceMs: number): Promise<void> {
    const limit = anySignal([over.signal, AbortSignal.timeout(graceMs + STOP_MS)])
    try {
      const response = await endpoint.send('POST', `/stop?graceMs=${graceMs}`, null, limit)
      response.resume()
      await Promise.race([ended.promise, aborted(limit)])
    } catch {
      // It cannot be reached: its machine is ended as it is.
    }
    finish(STOPPED)
    await endMachine()
  }

  async function suspend(graceMs: number, ways: NonNullable<OpenInstanceOptions['rest']>): Promise<void> {
    // From here on it is not read: whoever goes on with it hears all that we have not.
    reading.abort()
    if ((await isReady(next)) && (await ways.suspend())) {
      ending = Promise.resolve()
      return finish(STOPPED)
    }
    conclude = ways.leave
    reading = new AbortController()
    void watch()
    await stop(graceMs)
  }

  async function isReady(from: number): Promise<boolean> {
    try {
      const response = await endpoint.send('POST', `/rest?from=${from}`, null, AbortSignal.timeout(ANSWER_MS))
      response.resume()
      return response.statusCode === 200
    } catch {
      return false
    }
  }

  void watch()
  if (options.gone !== undefined) void heed(options.gone)
  const used = (): void => {
    usedAt = performance.now()
  }
  const instance: Instance = {
    id: options.id,
    endpoint: {
      handle(req, res, caller, body) {
        used()
        // It may end long after its last pulse said that nobody calls.
        res.once('close', used)
        endpoint.handle(req, res, caller, body)
      },
      request: async (...call) => {
        used()
        return endedAsSuch(endpoint.request(...call), ended.promise)
      },
      probe: async (signal) => endedAsSuch(endpoint.probe(signal), ended.promise),
    },
    ended: ended.promise,
    release: () => endpoint.release(),
    idleMs() {
      if (pulse.idleMs === null) return null
      const now = performance.now()
      return Math.min(pulse.idleMs + now - pulse.at, now - usedAt)
    },
    async check(signal) {
      const response = await endpoint.send('POST', '/check', null, signal).catch((cause: unknown) => {
        throw new CatwalkError('server_silent', 'The machine of the server does not answer.', { cause })
      })
      const answer = await text(response)
      if (response.statusCode !== 200) {
        throw new CatwalkError('server_silent', 'The machine of the server does not answer.')
      }
      // Written by the program in the image.
      resultOf(JSON.parse(answer) as Message)
    },
    stop: async (graceMs) => (stopping ??= stop(graceMs)),
    ...(rest === undefined ? {} : { suspend: async (graceMs) => (stopping ??= suspend(graceMs, rest)) }),
  }
  return { instance, prepared: prepared.promise, started: started.promise }
}

/**
 * The instance, once its server runs; it is stopped where that does not come about.
 * @throws CatwalkError as {@link FarInstance.started}
 */
export async function whenStarted({ instance, started }: FarInstance, limit: AbortSignal): Promise<Instance> {
  try {
    await orAborted(started, limit)
    return instance
  } catch (error) {
    await instance.stop(0)
    throw error
  }
}

/** Of machines in which no server runs. */
export const NO_SESSIONS: OpenInstanceOptions['sessions'] = {
  isEnded: () => false,
  end: async () => {},
  keep: async () => {},
  recall: async () => null,
}

const STOPPED: InstanceEnd = { reason: 'stopped', exitCode: null, signal: null }
const NOT_STARTED: InstanceEnd = { reason: 'exited', exitCode: null, signal: null }

/** Reads until the connection ends. */
async function readJournal(
  endpoint: FarEndpoint,
  from: number,
  reader: { readonly connected: () => void; readonly take: (entry: Record<string, unknown>) => void },
  signal: AbortSignal,
): Promise<void> {
  const silent = new AbortController()
  const timer = setTimeout(() => silent.abort(), SILENT_MS)
  try {
    const limit = anySignal([signal, silent.signal])
    const response: IncomingMessage = await endpoint.send('GET', `/watch?from=${from}`, null, limit)
    if (response.statusCode !== 200) return void response.destroy()
    reader.connected()
    const read = createLineReader(MAX_LINE_BYTES, {
      line: (bytes) => {
        timer.refresh()
        const entry: unknown = JSON.parse(bytes.toString())
        if (typeof entry === 'object' && entry !== null) reader.take(entry as Record<string, unknown>)
      },
      tooLong: () => undefined,
    })
    for await (const chunk of response) read(chunk as Buffer)
  } finally {
    clearTimeout(timer)
  }
}

/** When the machine ends in the middle of an answer, the reason of its end says more than that it cannot be reached. */
async function endedAsSuch<T>(answer: Promise<T>, ended: Promise<InstanceEnd>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    if (!(error instanceof CatwalkError) || error.code !== 'unavailable') throw error
    const end = await Promise.race([ended, delay(PULSE_MS, null)])
    if (end === null) throw error
    throw new CatwalkError('server_exited', 'The server ended before it answered.', { cause: error })
  }
}

function objectsIn(value: unknown): readonly JsonObject[] {
  const items = Array.isArray(value) ? (value as unknown[]) : []
  return items.filter(
    (item): item is JsonObject => typeof item === 'object' && item !== null && !Array.isArray(item),
  )
}

function offersIn(value: unknown): Offers {
  const [offers = {}] = objectsIn([value])
  const { capabilities, instructions, tools, resources, resourceTemplates, prompts } = offers
  return {
    capabilities: objectsIn([capabilities])[0] ?? {},
    instructions: typeof instructions === 'string' ? instructions : null,
    tools: objectsIn(tools),
    resources: objectsIn(resources),
    resourceTemplates: objectsIn(resourceTemplates),
    prompts: objectsIn(prompts),
  }
}

function streamOf(value: unknown): LogStream {
  return value === 'system' || value === 'stdout' ? value : 'stderr'
}

function endOf(value: unknown, stopped: boolean): InstanceEnd {
  const { reason, exitCode, signal } = (typeof value === 'object' && value !== null ? value : {}) as Record<
    string,
    unknown
  >
  return {
    // A program that was told to stop by somebody else, such as whoever empties its host, has not been stopped by us.
    reason: reason === 'out_of_memory' ? reason : stopped ? 'stopped' : 'exited',
    exitCode: typeof exitCode === 'number' ? exitCode : null,
    signal: typeof signal === 'string' ? signal : null,
  }
}

function noteOf(value: unknown): SessionNote {
  const { level, subscriptions } = (typeof value === 'object' && value !== null ? value : {}) as Record<
    string,
    unknown
  >
  return {
    level: typeof level === 'string' ? level : null,
    subscriptions: Array.isArray(subscriptions) ? subscriptions.map(String) : [],
  }
}

/** What a message throws. */
function errorOf(value: unknown): unknown {
  try {
    resultOf(value as Message)
    return null
  } catch (error) {
    return error
  }
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  const { promise, resolve } = Promise.withResolvers<void>()
  signal.addEventListener('abort', () => resolve(), { once: true })
  return promise
}
