import { PassThrough, Writable } from 'node:stream'
import { once } from 'node:events'
import type { Caller, Collection, InstanceEnd, JsonObject, RequestReport } from '../domain/index.ts'
import {
  createLineReader,
  lettersOf,
  messageKind,
  ownNumber,
  RPC,
  rpcErrorText,
  scan,
  textOf,
  type Envelope,
} from '../protocol/index.ts'
import { answer, type Answering } from './answer.ts'
import { createInnerClient, type Forward } from './inner-client.ts'
import { createMembers, type Known } from './members.ts'
import type { Request } from './request.ts'

export interface CollectionOptions {
  readonly collection: Collection
  readonly forward: Forward
  readonly isThere: (deploymentId: string) => boolean
  readonly known: Known
  /** Told what became of a call of a member. Must not throw and must not wait. */
  readonly report: (deploymentId: string, caller: Caller, report: RequestReport) => void
  readonly maxMessageBytes: number
  /** Whether it takes the place of one whose clients listen already. */
  readonly hasChanged: boolean
  /** What could not be served. Must not throw. */
  readonly failed: (error: unknown) => void
}

/** Who sent a request, and the way back to no one else. */
interface Sender {
  readonly caller?: Caller
  readonly sink: { notify(message: readonly Buffer[]): boolean }
}

/** What a bridge takes for the process of a server. */
export interface CollectionProcess {
  readonly stdin: Writable
  readonly stdout: PassThrough
  readonly ended: Promise<InstanceEnd>
  stop(graceMs: number): Promise<void>
  /** Told by the bridge who sent which request. */
  attach(calls: { get(number: number): Sender | undefined }): void
}

const BRIDGE_SCAN = { maxDepth: 1000, trusted: true } as const

/**
 * A server of the modern era in this process that has what its members have. Behind a bridge it serves clients of every
 * era: sessions, streams and questions to the client are the bridge's, and each request is one to one member, whose own
 * bridge knows the member's era.
 */
export function startCollection(options: CollectionOptions): CollectionProcess {
  const { collection, forward, isThere, known, maxMessageBytes, report, hasChanged, failed } = options
  const client = createInnerClient(forward)
  const members = createMembers({ collection, client, isThere, known, maxMessageBytes })
  const answering: Answering = { collection, client, members, maxMessageBytes, report, hasChanged }
  const stdout = new PassThrough()
  const ended = Promise.withResolvers<InstanceEnd>()
  const work = new Map<string, AbortController>()
  let calls: { get(number: number): Sender | undefined } = { get: () => undefined }

  async function send(message: string | Buffer): Promise<void> {
    if (stdout.writableEnded) return
    stdout.write(message)
    if (!stdout.write('\n')) await Promise.race([once(stdout, 'drain'), once(stdout, 'close')])
  }

  async function serve(line: Buffer, envelope: Envelope, id: string, method: string): Promise<void> {
    const number = envelope.id === null ? undefined : ownNumber(line, envelope.id)
    const sender = number === undefined ? undefined : calls.get(number)
    const ending = new AbortController()
    work.set(id, ending)
    const request: Request = {
      line,
      envelope,
      method,
      id,
      caller: sender?.caller ?? null,
      signal: ending.signal,
      send,
      tell: (message) => sender?.sink.notify([message]) ?? false,
      succeed: async (result: JsonObject) => {
        const text = JSON.stringify({ resultType: 'complete', ...result })
        return send(`{"jsonrpc":"2.0","id":${id},"result":${text}}`)
      },
      fail: async (code, message) => send(rpcErrorText(id, code, message)),
    }
    try {
      await answer(answering, request)
    } catch (error) {
      if (ending.signal.aborted) return
      failed(error)
      await send(rpcErrorText(id, RPC.internalError, 'The collection could not serve this request.'))
    } finally {
      work.delete(id)
    }
  }

  function received(line: Buffer): void {
    const envelope = scan(line, BRIDGE_SCAN)
    if ('length' in envelope) return
    const kind = messageKind(line, envelope)
    const method = textOf(line, envelope.method) ?? ''
    if (kind === 'request' && envelope.id !== null) {
      void serve(line, envelope, lettersOf(line, envelope.id), method)
    } else if (method === 'notifications/cancelled' && envelope.requestId !== null) {
      work.get(lettersOf(line, envelope.requestId))?.abort()
    }
  }

  const read = createLineReader(maxMessageBytes, {
    // The reader's bytes are valid for one turn only.
    line: (bytes) => received(Buffer.from(bytes)),
    // The bridge lets no such message through.
    tooLong: () => undefined,
  })
  const stdin = new Writable({
    write(chunk: Buffer, _encoding, done) {
      read(chunk)
      done()
    },
  })

  return {
    stdin,
    stdout,
    ended: ended.promise,
    attach: (table) => (calls = table),
    async stop() {
      for (const ending of work.values()) ending.abort()
      stdin.destroy()
      stdout.end()
      ended.resolve({ reason: 'stopped', exitCode: 0, signal: null })
      await ended.promise
    },
  }
}
