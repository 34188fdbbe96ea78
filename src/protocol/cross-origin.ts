import type { IncomingMessage, ServerResponse } from 'node:http'

/** Headers that a page may send: those of HTTP that MCP uses, and every one of MCP's own. */
const SENDABLE = /^(?:accept|authorization|content-type|last-event-id|traceparent|tracestate|mcp-[a-z0-9-]+)$/
const ALWAYS = 'Accept, Authorization, Content-Type, Last-Event-ID, Mcp-Session-Id, Mcp-Protocol-Version'
const PREFLIGHT_SECONDS = '600'

/** Lets a page of an allowed origin read the answer. */
export function allowPage(res: ServerResponse, origin: string): void {
  res.setHeader('access-control-allow-origin', origin)
  res.setHeader('access-control-expose-headers', 'Mcp-Session-Id, WWW-Authenticate, X-Request-Id')
  res.setHeader('vary', 'Origin')
}

/** Answers a browser that asks what a page of an allowed origin may send. */
export function answerPreflight(req: IncomingMessage, res: ServerResponse): void {
  const asked = req.headers['access-control-request-headers'] ?? ''
  const allowed = asked
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => SENDABLE.test(name))
  res.writeHead(204, {
    'access-control-allow-methods': 'GET, POST, DELETE',
    'access-control-allow-headers': allowed.length > 0 ? allowed.join(', ') : ALWAYS,
    'access-control-max-age': PREFLIGHT_SECONDS,
  })
  res.end()
}
