import {
  CatwalkError,
  cutText,
  type InstanceEnd,
  type JsonObject,
  type LineSink,
} from '../../domain/index.ts'
import {
  createLineReader,
  inOrder,
  messageKind,
  ownNumber,
  RPC,
  scan,
  ScanError,
  splice,
  type Bytes,
  type Edit,
  type Envelope,
  type LegacyVersion,
} from '../../protocol/index.ts'
import type { Call, Translate } from './call.ts'
import { CallTable, type Calls } from './call-table.ts'
import type { Era } from './era.ts'
import type { BridgeLimits } from '../limits.ts'
import { createOutflow, type Outflow } from '../http/outflow.ts'
import { outcomeOf } from '../report.ts'
import type { ServerProcess } from './server-process.ts'
import type { Session } from '../sessions/session.ts'
import { readLong } from './read-long.ts'
import { SERVER_SCAN } from './server-scan.ts'
import { createStdinWriter } from './stdin-writer.ts'
import { describeEnd } from './describe-end.ts'
import { createTaskOwners, type TaskOwners } from './task-owners.ts'
import { createTaskWatch, offersTasks, type TaskWatch } from './task-watch.ts'

/** What a server said when it was initialised. */
export interface Handshake {
  readonly version: LegacyVersion
  readonly result: JsonObject
}

/** One server process and the calls that it is working on. */
export interface Upstream {
  /** The one session that it serves; null for a shared process, and while its own session is being opened. */
  session: Session | null
  /** Which era it speaks with us; a server of both pins each process to the one it is opened with. */
  era: Era
  /** The result of `initialize`, of a process of the legacy era. */
  handshake: Handshake | null
  /** The result of `server/discover`, of a process of the modern era. */
  discovered: JsonObject | null
  /** What it was told at its handshake that its client can do; a process of the modern era is told with each request. */
  told: JsonObject
  /** Set while it serves calls of the modern era, one at a time; names the capabilities that it was told of. */
  lease: string | null
  /** Takes what the process asks the client, while it works on a call that can be answered in several rounds. */
  asked: ((line: Buffer, envelope: Envelope, method: string) => void) | null
  /** Most verbose level of log messages that requests of the modern era have asked of this process. */
  askedLevel: string | null
  readonly shared: boolean
  readonly calls: Calls
  readonly flow: Outflow
  readonly alive: boolean
  /** Lines on stdout so far that were not MCP. */
  readonly strayLines: number
  /** Whether everybody who ever called it is the same subject, so that what it says crosses no border. */
  readonly oneSubject: boolean
  /** The tasks that it works on. */
  readonly tasks: TaskWatch
  /** Whose those are, and those that have ended. */
  readonly owners: TaskOwners
  /** When it was last sent a request of a client, in coarse milliseconds. */
  readonly usedAt: number
  /** Settles when the process is gone and every caller has been told. Never rejects. */
  readonly gone: Promise<InstanceEnd>
  /** Registers a call; the number goes into the message as its id. */
  open(call: Call): number
  /** Forgets a call without an answer. */
  close(number: number): void
  send(message: Bytes): void
  /** Whether the server is not taking what is sent; and until it does. */
  readonly blocked: boolean
  unblocked(): Promise<void>
  sweep(now: number): void
  stop(graceMs: number): Promise<void>
}

/** Takes a server's own requests and notifications. */
export type Received = (
  upstream: Upstream,
  line: Buffer,
  envelope: Envelope,
  kind: 'request' | 'notification',
) => void

export interface UpstreamOptions {
  readonly shared: boolean
  readonly limits: BridgeLimits
  readonly output: LineSink
  readonly received: Received
}

const MAX_STRAY_LETTERS = 8192
/** After the process group is gone, its pipe holds at most what was already written. */
const LAST_WORDS_MS = 1000
/** After its output has ended, the process itself should follow. */
const LAST_BREATH_MS = 250

/** Takes over stdin and stdout of a server process. */
export function createUpstream(process: ServerProcess, options: UpstreamOptions): Upstream {
  const { limits, output } = options
  const calls = new CallTable()
  process.attach?.(calls)
  const writer = createStdinWriter(process.stdin)
  const flow = createOutflow(process.stdout, limits)
  let next = 1
  let alive = true
  let strayLines = 0
  let onlySubject: string | null = null
  let oneSubject = true
  let usedAt = 0
  let sweptAt = 0

  const tasks = createTaskWatch(
    () => offersTasks(upstream.handshake?.result ?? upstream.discovered),
    () => sweptAt,
  )

  function take(number: number): Call | undefined {
    const call = calls.take(number)
    if (call !== undefined && call.session !== null) call.session.callsInFlight--
    return call
  }

  function stray(line: Buffer): void {
    strayLines++
    output('stdout', cutText(line, MAX_STRAY_LETTERS))
  }

  /** A message that cannot be read was perhaps an answer; its caller must not wait for ever. */
  function lost(head: Buffer, tail: Buffer, why: string): void {
    const id = /^\s*\{\s*(?:"jsonrpc"\s*:\s*"2\.0"\s*,\s*)?"id"\s*:\s*(\d{1,15})\s*[,}]/.exec(
      head.toString('latin1'),
    )
    const last = id ?? /"id"\s*:\s*(\d{1,15})\s*\}\s*$/.exec(tail.toString('latin1'))
    const call = last === null ? undefined : take(Number(last[1]))
    call?.sink.fail(call.id, new CatwalkError('server_not_mcp', why))
    call?.report?.('failed')
  }

  /** An answer that cannot be translated must not leave its caller without one. */
  function translated(
    call: Call,
    translate: Translate,
    line: Buffer,
    envelope: Envelope,
    edits: Edit[],
  ): boolean {
    try {
      return translate(line, envelope, edits)
    } catch (error) {
      unreadable(call, error)
      return true
    }
  }

  function relisted(call: Call, relist: () => Bytes): Bytes | null {
    try {
      return relist()
    } catch (error) {
      unreadable(call, error)
      return null
    }
  }

  function unreadable(call: Call, error: unknown): void {
    output('system', `An answer could not be translated: ${String(error)}`)
    call.sink.fail(
      call.id,
      new CatwalkError('server_not_mcp', 'The server sent an answer that cannot be read.'),
    )
    call.report?.('failed')
  }

  function message(line: Buffer, envelope: Envelope): void {
    const kind = messageKind(line, envelope)
    tasks.saw(line)
    if (kind === 'response') {
      const number = envelope.id === null ? undefined : ownNumber(line, envelope.id)
      const call = number === undefined ? undefined : take(number)
      // Late answers to cancelled calls end here too.
      if (call === undefined || envelope.id === null) return
      const edits: Edit[] = [{ span: envelope.id, letters: call.id }]
      if (call.translate !== undefined && translated(call, call.translate, line, envelope, edits)) return
      const bytes = splice(line, envelope, edits.length > 1 ? inOrder(edits) : edits)
      const shown =
        call.relist === undefined
          ? bytes
          : relisted(call, () => call.relist?.(bytes, line, envelope) ?? bytes)
      if (shown === null) return
      call.sink.answer(shown, errorCode(line, envelope))
      call.report?.(outcomeOf(line, envelope))
    } else if (kind === null) stray(line)
    else options.received(upstream, line, envelope, kind)
  }

  /** Passes a long result on in the parts it came in; false for whatever else it is. */
  function long(parts: readonly Buffer[], length: number): boolean {
    const found = readLong(parts, length)
    const call = found === null ? undefined : calls.get(found.number)
    if (found === null || call === undefined || call.translate !== undefined || call.relist !== undefined)
      return false
    take(found.number)
    try {
      call.sink.answer(found.withId(call.id), null)
      call.report?.(found.outcome)
    } catch (error) {
      // Nothing that a server prints may end the program that it runs in.
      output('system', `A message could not be handled: ${String(error)}`)
    }
    return true
  }

  const read = createLineReader(limits.maxMessageBytes, {
    parts: long,
    line(line) {
      try {
        const found = scan(line, SERVER_SCAN)
        if (!('length' in found)) message(line, found)
        else for (const envelope of found) message(line, envelope)
      } catch (error) {
        if (line.length === 0) return
        // Nothing that a server prints may end the program that it runs in.
        if (!(error instanceof ScanError))
          output('system', `A message could not be handled: ${String(error)}`)
        stray(line)
        lost(line.subarray(0, 256), line.subarray(-256), 'The server sent an answer that cannot be read.')
      }
    },
    tooLong(head, tail, length) {
      output(
        'system',
        `A message of ${length} bytes was thrown away; the limit is ${limits.maxMessageBytes}.`,
      )
      lost(
        head,
        tail,
        `The server sent an answer of ${length} bytes; the limit is ${limits.maxMessageBytes}.`,
      )
    },
  })

  const outputEnded = Promise.withResolvers<void>()
  process.stdout.on('data', read)
  process.onFailure?.((id, error) => {
    const call = take(id)
    call?.sink.fail(call.id, error)
    call?.report?.('failed')
  })
  for (const event of ['end', 'close', 'error']) process.stdout.once(event, () => outputEnded.resolve())

  async function whenGone(): Promise<InstanceEnd> {
    const lastWords = process.ended.then(() => Promise.race([outputEnded.promise, limit(LAST_WORDS_MS)]))
    await Promise.race([outputEnded.promise, lastWords])
    alive = false
    // A server that closed its output but lives on can answer nobody.
    const early = await Promise.race([process.ended, limit(LAST_BREATH_MS)])
    if (early === undefined) void process.stop(0)
    for (const [number] of calls) {
      const call = take(number)
      call?.sink.fail(call.id, describeEnd(early, hasOpened(upstream)))
      call?.report?.('failed')
    }
    return process.ended
  }

  const upstream: Upstream = {
    session: null,
    era: 'legacy',
    handshake: null,
    discovered: null,
    told: {},
    lease: null,
    asked: null,
    askedLevel: null,
    shared: options.shared,
    calls,
    flow,
    get alive() {
      return alive
    },
    get strayLines() {
      return strayLines
    },
    get oneSubject() {
      return oneSubject
    },
    tasks,
    owners: createTaskOwners(),
    get usedAt() {
      return usedAt
    },
    gone: whenGone(),
    open(call) {
      const number = next++
      calls.add(number, call)
      if (call.session !== null) call.session.callsInFlight++
      // Without a subject it is a request of ours, such as the handshake.
      if (call.subject === '') return number
      if (call.startedAt !== Infinity) usedAt = call.startedAt
      if (onlySubject === null) onlySubject = call.subject
      else if (onlySubject !== call.subject) oneSubject = false
      return number
    },
    close: (number) => void take(number),
    send: (bytes) => writer.write(bytes),
    get blocked() {
      return writer.blocked
    },
    unblocked: () => writer.unblocked(),
    sweep(now) {
      sweptAt = now
      flow.sweep(now)
      for (const call of calls.values()) {
        // In the order of their start, so the first young one ends the search.
        if (now - call.startedAt < limits.keepAliveMs) break
        call.sink.keepAlive(now)
      }
    },
    stop: (graceMs) => process.stop(graceMs),
  }
  return upstream
}

/** Whether the server has answered the first request of its era. */
export function hasOpened(upstream: Upstream): boolean {
  return upstream.handshake !== null || upstream.discovered !== null
}

/** The code of a JSON-RPC error, or null for a result. */
export function errorCode(line: Buffer, envelope: Envelope): number | null {
  if (envelope.error === null) return null
  const text = line.toString('utf8', envelope.error.start, envelope.error.end)
  try {
    const { code } = JSON.parse(text) as { code?: unknown }
    return typeof code === 'number' ? code : RPC.internalError
  } catch {
    // Scanned without a look inside its long strings.
    return RPC.internalError
  }
}

/** Resolves with nothing after `ms`. */
function limit(ms: number): Promise<undefined> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(undefined), ms).unref()
  })
}
