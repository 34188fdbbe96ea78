import { once } from 'node:events'
import { Agent, createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline } from 'node:stream'

/**
 * Adds a token to each request for a client that cannot send one. Everything else passes as it came, `Host` and
 * `Origin` too, in both directions.
 */
export async function startTokenShim(
  endpoint: string,
  token: string,
): Promise<{ url: string } & AsyncDisposable> {
  const target = new URL(endpoint)
  const agent = new Agent({ keepAlive: true })
  const server = createServer((req, res) => {
    const upstream = request({
      agent,
      host: target.hostname,
      port: target.port,
      path: target.pathname,
      method: req.method ?? 'GET',
      headers: [...req.rawHeaders, 'authorization', `Bearer ${token}`],
    })
    upstream.on('response', (answer) => {
      res.writeHead(answer.statusCode ?? 502, answer.rawHeaders)
      res.flushHeaders()
      pipeline(answer, res, () => undefined)
    })
    upstream.on('error', () => res.destroy())
    res.on('close', () => upstream.destroy())
    req.pipe(upstream)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  // A server that listens on TCP has an address with a port.
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}${target.pathname}`,
    async [Symbol.asyncDispose]() {
      agent.destroy()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
