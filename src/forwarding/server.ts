import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import {
  anySignal,
  traceIdOf,
  type Caller,
  type Endpoint,
  type JsonObject,
  type RequestReport,
  type Secret,
} from '../domain/index.ts'
import { encodeReport, PERSON, REPORT, REQUEST_ID, CHALLENGE, SCOPE, SUBJECT } from './headers.ts'
import { errorMessage, type Message } from './messages.ts'

/** The last part of the address: a request of an MCP client, one of our own, or a probe. */
export type EndpointAction = 'mcp' | 'request' | 'probe'

/** Requests of our own without an answer after this time are given up; probes have limits of their own before that. */
const LONGEST_MS = 600_000

/** Whether a request shows the secret. How long that takes says nothing about it. */
export function hasSecret(req: IncomingMessage, secret: Secret): boolean {
  const given = req.headers.authorization ?? ''
  return timingSafeEqual(digest(given), digest(`Bearer ${secret.reveal()}`))
}

function digest(value: string): Buffer {
  return createHash('sha256').update(value).digest()
}

/** The other side of `createEndpointClient`. The caller has checked the secret. */
export function serveEndpoint(
  endpoint: Endpoint,
  action: EndpointAction,
  req: IncomingMessage,
  res: ServerResponse,
): void {
  if (action === 'mcp') return serveClient(endpoint, req, res)
  const gone = new AbortController()
  res.once('close', () => gone.abort())
  const signal = anySignal([gone.signal, AbortSignal.timeout(LONGEST_MS)])
  void respond(res, answer(endpoint, action, req, res, signal))
}

/** The same for a request of an MCP client alone. */
export function serveClient(
  endpoint: Pick<Endpoint, 'handle'>,
  req: IncomingMessage,
  res: ServerResponse,
): void {
  endpoint.handle(req, res, callerOf(req, res))
}

async function respond(res: ServerResponse, answered: Promise<Message>): Promise<void> {
  const body = Buffer.from(JSON.stringify(await answered))
  if (res.destroyed) return
  res.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length })
  res.end(body)
}

async function answer(
  endpoint: Endpoint,
  action: 'request' | 'probe',
  req: IncomingMessage,
  res: ServerResponse,
  signal: AbortSignal,
): Promise<Message> {
  try {
    // Written by the client, which has the secret.
    const { method, params } = JSON.parse(await text(req)) as { method: string; params: JsonObject }
    if (action === 'request') {
      return { kind: 'result', result: await endpoint.request(method, params, callerOf(req, res), signal) }
    }
    // A manifest is JSON throughout.
    return { kind: 'result', result: (await endpoint.probe(signal)) as unknown as JsonObject }
  } catch (error) {
    return errorMessage(error)
  }
}

function callerOf(req: IncomingMessage, res: ServerResponse): Caller {
  const {
    [SUBJECT]: subject,
    [PERSON]: person,
    [SCOPE]: scope,
    [CHALLENGE]: challenge,
    [REQUEST_ID]: requestId,
    traceparent,
  } = req.headers
  return {
    subject: decodeURIComponent(String(subject ?? '')),
    ...(typeof person === 'string' ? { person: decodeURIComponent(person) } : {}),
    requestId: String(requestId ?? ''),
    traceId: traceIdOf(typeof traceparent === 'string' ? traceparent : undefined),
    ...(scope === 'read' || scope === 'full' ? { scope } : {}),
    ...(typeof challenge === 'string' ? { challenge } : {}),
    ...(req.headers[REPORT] === undefined ? {} : { report: reportThrough(res) }),
  }
}

/** With the headers while they are not sent, else behind the stream. */
function reportThrough(res: ServerResponse): (report: RequestReport) => void {
  const reports: string[] = []
  return (report) => {
    if (res.destroyed || res.writableEnded) return
    if (res.headersSent) return res.addTrailers({ [REPORT]: encodeReport(report) })
    reports.push(encodeReport(report))
    res.setHeader(REPORT, reports.join(','))
  }
}
