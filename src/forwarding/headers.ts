import type { IncomingMessage } from 'node:http'
import type { Caller, RequestReport } from '../domain/index.ts'

/** Who calls, in the headers between the two sides. What a client sends under these names is not passed on. */
export const SUBJECT = 'catwalk-subject'
export const PERSON = 'catwalk-person'
export const SCOPE = 'catwalk-scope'
export const CHALLENGE = 'catwalk-challenge'
/** Asks the other side to say what became of the request: in a header of a JSON answer, behind an event stream. */
export const REPORT = 'catwalk-report'
export const REQUEST_ID = 'x-request-id'

// Everything else is between the client and us: its token, its cookies, how it reached us.
const PASSED_ON = /^(?:accept|content-type|content-length|last-event-id|mcp-[a-z0-9-]+)$/

/** The headers of a client's request that concern the endpoint. */
export function endpointHeaders(req: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(req.headers)) {
    if (PASSED_ON.test(name) && value !== undefined) headers[name] = String(value)
  }
  return headers
}

/** What of an endpoint's answer concerns its client, as names and values in turn. */
export function answerHeaders(answer: IncomingMessage): string[] {
  const headers: string[] = []
  for (let index = 0; index + 1 < answer.rawHeaders.length; index += 2) {
    const name = answer.rawHeaders[index] ?? ''
    const lower = name.toLowerCase()
    if (BETWEEN_HOPS.has(lower) || lower.startsWith('catwalk-') || lower.startsWith('access-control-'))
      continue
    headers.push(name, answer.rawHeaders[index + 1] ?? '')
  }
  return headers
}

const BETWEEN_HOPS: ReadonlySet<string> = new Set([
  'connection',
  'date',
  'keep-alive',
  'proxy-authenticate',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Text that fits a header whatever is in it. */
export function encodeReport(report: RequestReport): string {
  return encodeURIComponent(JSON.stringify(report))
}

/** Hands over what the other side reported. Reports of one request are separated by commas. */
export function readReports(text: string | string[] | undefined, caller: Caller): void {
  if (text === undefined || caller.report === undefined) return
  for (const part of String(text).split(',')) {
    try {
      // Written by encodeReport, by whoever has the secret.
      caller.report(JSON.parse(decodeURIComponent(part.trim())) as RequestReport)
    } catch {
      // Of a version that says it differently: not worth failing a call for.
    }
  }
}
