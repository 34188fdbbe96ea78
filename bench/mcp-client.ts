import type { Answer, Connection } from './connection.ts'

const LEGACY = '2025-06-18'
const MODERN = '2026-07-28'

/** How a load client speaks to an endpoint. */
export interface Manner {
  readonly url: string
  /** More headers, as `name: value`. */
  readonly headers: readonly string[]
  readonly era: 'legacy' | 'modern'
  /** Whether the client declares sampling, elicitation and roots. */
  readonly capable: boolean
}

const CAPABILITIES = { sampling: {}, elicitation: {}, roots: {} }
const capabilitiesOf = ({ capable }: Manner) => (capable ? CAPABILITIES : {})

/** The head of each POST, without its length. */
export function headOf({ url, headers, era }: Manner, session: string | null, tool: string): string {
  const { host, pathname } = new URL(url)
  const lines = [
    `POST ${pathname} HTTP/1.1`,
    `host: ${host}`,
    'accept: application/json, text/event-stream',
    'content-type: application/json',
    ...headers,
    ...(era === 'modern'
      ? [`mcp-protocol-version: ${MODERN}`, 'mcp-method: tools/call', `mcp-name: ${tool}`]
      : [`mcp-protocol-version: ${LEGACY}`]),
    ...(session === null ? [] : [`mcp-session-id: ${session}`]),
  ]
  return `${lines.join('\r\n')}\r\n`
}

/** The body of a `tools/call`. */
export function callOf(manner: Manner, id: number, name: string, given: object): string {
  const meta = {
    'io.modelcontextprotocol/protocolVersion': MODERN,
    'io.modelcontextprotocol/clientCapabilities': capabilitiesOf(manner),
  }
  const params = { name, arguments: given, ...(manner.era === 'modern' ? { _meta: meta } : {}) }
  return JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params })
}

/** A handshake. @returns the session's id, or null where there are no sessions */
export async function openSession(connection: Connection, manner: Manner): Promise<string | null> {
  if (manner.era === 'modern') return null
  const clientInfo = { name: 'bench', version: '1' }
  const params = { protocolVersion: LEGACY, capabilities: capabilitiesOf(manner), clientInfo }
  const { head, status } = await connection.request(
    headOf(manner, null, ''),
    JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params }),
  )
  if (status !== 200) throw new Error(`initialize was answered with ${status}`)
  const session = /\r\nmcp-session-id: *([^\r\n]+)/i.exec(head)?.[1]
  if (session === undefined) throw new Error('There is no session id in the answer.')
  await connection.request(
    headOf(manner, session, ''),
    '{"jsonrpc":"2.0","method":"notifications/initialized"}',
  )
  return session
}

/** Ends a session that was opened with {@link openSession}. */
export async function endSession(connection: Connection, manner: Manner, session: string): Promise<void> {
  const { status } = await connection.request(headOf(manner, session, '').replace('POST', 'DELETE'), '')
  if (status >= 400) throw new Error(`DELETE was answered with ${status}`)
}

/** The last message of an answer, which is one document or an event stream. */
export function lastMessage({ head, body }: Answer): Buffer {
  if (!/\r\ncontent-type: *text\/event-stream/i.test(head)) return body
  const at = body.lastIndexOf('data: ')
  return body.subarray(at + 6, body.indexOf(10, at))
}
