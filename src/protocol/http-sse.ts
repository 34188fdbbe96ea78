import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Relay } from './http-sse-relay.ts'
import { RPC, rpcErrorText } from './rpc-error.ts'
import { SSE_HEADERS } from './sse.ts'

/** Hands a request of Streamable HTTP to whoever answers it. */
export type Pass = (req: IncomingMessage, res: ServerResponse) => void

/** The deprecated transport of revision 2024-11-05, put in front of an endpoint of Streamable HTTP. */
export interface HttpSse {
  /**
   * Answers one request: GET opens the stream, whose first event names the address for messages; POST sends one, and
   * its answer comes on the stream. The session ends with the stream.
   * @param subject a stream takes messages of nobody else
   */
  handle(req: IncomingMessage, res: ServerResponse, subject: string, pass: Pass): void
}

interface Connection {
  readonly subject: string
  readonly opened: IncomingMessage
  readonly stream: ServerResponse
  readonly pass: Pass
  /** Answers that are under way. */
  readonly relays: Set<Relay>
  /** The id of the session behind it, once there is one. */
  session: string | null
}

export const HTTP_SSE_SUFFIX = '/sse'
const BOTH = 'application/json, text/event-stream'
/** For a client to say `initialize`. */
const OPENING_MS = 60_000

export function createHttpSse(): HttpSse {
  const connections = new Map<string, Connection>()

  function open(opened: IncomingMessage, stream: ServerResponse, subject: string, pass: Pass): void {
    const id = randomBytes(18).toString('base64url')
    const connection: Connection = { subject, opened, stream, pass, relays: new Set(), session: null }
    connections.set(id, connection)
    const late = setTimeout(() => {
      if (connection.session === null) stream.destroy()
    }, OPENING_MS)
    stream.on('error', () => undefined)
    stream.on('drain', () => {
      for (const relay of connection.relays) relay.emit('drain')
    })
    stream.once('close', () => {
      clearTimeout(late)
      connections.delete(id)
      for (const relay of connection.relays) relay.vanish()
      if (connection.session !== null) endSession(connection, connection.session)
    })
    stream.writeHead(200, [...SSE_HEADERS, 'x-content-type-options', 'nosniff'])
    // Relative, so that it holds behind every proxy.
    stream.write(`event: endpoint\ndata: ?session=${id}\n\n`)
  }

  function post(connection: Connection, req: IncomingMessage, res: ServerResponse, pass: Pass): void {
    const relay = relayFor(connection, req, res)
    Object.assign(req.headers, { accept: BOTH })
    delete req.headers['mcp-session-id']
    if (connection.session !== null) req.headers['mcp-session-id'] = connection.session
    // Whoever refuses a message does so when it has been read. What takes longer must not keep the client from its next.
    req.once('end', () => setImmediate(() => relay.accept()))
    relay.once('finish', () => {
      if (connection.session !== null || relay.session === undefined) return
      connection.session = relay.session
      if (connection.stream.destroyed) endSession(connection, relay.session)
      else listen(connection, relay.session)
    })
    pass(req, relay)
  }

  return {
    handle(req, res, subject, pass) {
      if (req.method === 'GET') return open(req, res, subject, pass)
      const id = new URLSearchParams(/\?(.*)$/.exec(req.url ?? '')?.[1] ?? '').get('session')
      const connection = id === null ? undefined : connections.get(id)
      if (req.method === 'POST' && connection?.subject === subject) return post(connection, req, res, pass)
      const [status, text] =
        req.method === 'POST'
          ? ([404, 'There is no such stream. Open one with GET.'] as const)
          : ([405, 'Use GET and POST.'] as const)
      res.writeHead(status, ['content-type', 'application/json', 'x-content-type-options', 'nosniff'])
      res.end(rpcErrorText(null, RPC.serverError, text))
    },
  }
}

function relayFor(connection: Connection, req: IncomingMessage, direct: ServerResponse | null): Relay {
  const relay = new Relay(req, connection.stream, direct)
  connection.relays.add(relay)
  relay.once('close', () => connection.relays.delete(relay))
  return relay
}

/** What belongs to no call comes on the same stream. */
function listen(connection: Connection, session: string): void {
  const { opened, pass } = connection
  Object.assign(opened.headers, { accept: 'text/event-stream', 'mcp-session-id': session })
  delete opened.headers['last-event-id']
  pass(opened, relayFor(connection, opened, null))
}

function endSession({ opened, stream, pass }: Connection, session: string): void {
  Object.assign(opened, { method: 'DELETE' })
  Object.assign(opened.headers, { 'mcp-session-id': session })
  pass(opened, new Relay(opened, stream, null))
}
