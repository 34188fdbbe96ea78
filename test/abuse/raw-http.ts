import { once } from 'node:events'
import { connect } from 'node:net'

/**
 * Writes bytes to a socket as they are and reads until the other side closes, has been silent for `quietMs` after its
 * first byte, or has not begun within `firstMs`.
 * @returns the status lines and the whole text of what came back
 */
export async function sendBytes(
  url: string,
  bytes: string | Buffer,
  { firstMs = 5000, quietMs = 300 } = {},
): Promise<{ statuses: number[]; text: string; closed: boolean }> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => undefined)
  let text = ''
  let closed = false
  const done = Promise.withResolvers<void>()
  let quiet = setTimeout(() => done.resolve(), firstMs)
  socket.setEncoding('latin1').on('data', (part: string) => {
    text += part
    clearTimeout(quiet)
    quiet = setTimeout(() => done.resolve(), quietMs)
  })
  socket.on('close', () => {
    closed = true
    done.resolve()
  })
  await once(socket, 'connect')
  socket.write(bytes)
  await done.promise
  clearTimeout(quiet)
  socket.destroy()
  const statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status))
  return { statuses, text, closed }
}

/** A request with its length, or with headers instead of it. */
export function httpPost(
  url: string,
  headers: readonly string[],
  body: string,
  framing?: readonly string[],
): string {
  const { host, pathname } = new URL(url)
  const lines = [
    `POST ${pathname} HTTP/1.1`,
    `host: ${host}`,
    'accept: application/json, text/event-stream',
    'content-type: application/json',
    ...headers,
    ...(framing ?? [`content-length: ${Buffer.byteLength(body)}`]),
  ]
  return `${lines.join('\r\n')}\r\n\r\n${body}`
}
