import { once } from 'node:events'
import { createServer } from 'node:https'
import type { RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { createHttpClient, type HttpClient } from '../../src/network/index.ts'
import { makeCertificate } from '../support/certificate.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

/** The web as clients with metadata documents see it: one https server, reached by the address that it has. */
export interface Documents extends AsyncDisposable {
  readonly origin: string
  /** Reaches this server, as if it were on the public internet, and else what the rules of the network let through. */
  readonly http: HttpClient
  /** Paths that were asked, in order. */
  readonly asked: readonly string[]
  /** Serves a document at a path; returns its address. */
  put(path: string, document: object, headers?: Readonly<Record<string, string>>): string
  /** Answers a path in any way. */
  answer(path: string, listener: RequestListener): string
}

/** @param names where names lead that are not this server's address */
export async function startDocuments(
  names: Readonly<Record<string, readonly string[]>> = {},
): Promise<Documents> {
  const stack = new AsyncDisposableStack()
  const directory = stack.use(await temporaryDirectory())
  const { key, certificate } = await makeCertificate(directory.path, 'IP:127.0.0.1')
  const before = getCACertificates('default')
  setDefaultCACertificates([...before, certificate])
  stack.defer(() => setDefaultCACertificates(before))
  const asked: string[] = []
  const answers = new Map<string, RequestListener>()
  const server = createServer({ key, cert: certificate }, (req, res) => {
    asked.push(req.url ?? '')
    const listener = answers.get(req.url ?? '')
    if (listener === undefined) res.writeHead(404).end()
    else listener(req, res)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  stack.defer(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  // A server that listens on TCP has an address with a port.
  const origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  const http = stack.use(
    createHttpClient({
      trustedOrigins: [origin],
      userAgent: 'test',
      network: { resolve: async (host) => names[host] ?? [], ownAddresses: () => [] },
    }),
  )
  const answer = (path: string, listener: RequestListener): string => {
    answers.set(path, listener)
    return origin + path
  }
  return {
    origin,
    http,
    asked,
    answer,
    put: (path, document, headers = {}) =>
      answer(path, (_, res) => {
        res.writeHead(200, { 'content-type': 'application/json', ...headers })
        res.end(JSON.stringify({ client_id: origin + path, ...document }))
      }),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}
