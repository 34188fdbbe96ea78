import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Where a program on the person's machine waits for the browser to come back. */
export interface Callback extends AsyncDisposable {
  readonly url: string
  /** The parameters of the first visit. */
  readonly visited: Promise<URLSearchParams>
}

export async function openCallback(): Promise<Callback> {
  const visit = Promise.withResolvers<URLSearchParams>()
  const server = createServer((req, res) => {
    const url = new URL(req.url ?? '/', 'http://localhost')
    if (url.pathname === '/callback') visit.resolve(url.searchParams)
    res.writeHead(200, { 'content-type': 'text/html' })
    res.end('<!doctype html><html lang="en"><title>Done</title><p>Back in the client</p></html>')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  // A server that listens on TCP has an address with a port.
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/callback`,
    visited: visit.promise,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
