import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import {
  routes,
  type Route,
  type RouteName,
  type RouteOutput,
  type Routes,
} from '../../src/contract/index.ts'
import { CatwalkError } from '../../src/domain/index.ts'

/** One request as a handler sees it, checked against the contract. */
export interface FakeRequest {
  readonly params: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, string>>
  readonly body: unknown
}

type Handlers = {
  readonly [N in RouteName]?: (request: FakeRequest) => RouteOutput<N> | Promise<RouteOutput<N>>
}

/** One connection of a client to the feed. */
export interface FeedConnection {
  /** 1 for the first. */
  readonly number: number
  readonly lastEventId: string | null
  send(
    kind: 'deployment' | 'event' | 'log' | 'deleted' | 'step' | 'analysis' | 'failed',
    data: unknown,
    id?: string,
  ): void
  /** Breaks the connection off as a crash or a proxy does. */
  cut(): void
  end(): void
  onClose(listener: () => void): void
}

export interface FakeApiOptions {
  readonly handlers?: Handlers
  readonly feed?: (connection: FeedConnection) => void
  /** Of an analysis. */
  readonly analysisFeed?: (connection: FeedConnection) => void
}

export interface FakeApi extends AsyncDisposable {
  readonly origin: string
  readonly apiKey: string
  /** Every request so far. */
  readonly requests: readonly (FakeRequest & { readonly name: RouteName })[]
}

const API_KEY = 'key-of-the-fake'

/** The REST API on a real socket, with answers of the test's choice; both directions are checked against the contract. */
export async function startFakeApi({
  handlers = {},
  feed,
  analysisFeed,
}: FakeApiOptions = {}): Promise<FakeApi> {
  const requests: (FakeRequest & { name: RouteName })[] = []
  let connections = 0

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    if (req.headers.authorization !== `Bearer ${API_KEY}`) {
      throw new CatwalkError('unauthenticated', 'The API key is not valid.')
    }
    const url = new URL(req.url ?? '/', 'http://fake')
    const found = match(req.method ?? '', url.pathname)
    if (found === null) throw new CatwalkError('not_found', 'There is nothing here.')
    const { name, params } = found
    const stream = name === 'streamFeed' ? feed : name === 'streamAnalysis' ? analysisFeed : undefined
    if (stream !== undefined) {
      connections += 1
      res.setHeader('content-type', 'text/event-stream')
      stream(openFeed(req, res, connections))
      res.flushHeaders()
      return
    }
    const route: Route = routes[name]
    const body: unknown = route.body ? route.body.parse(JSON.parse(await read(req))) : undefined
    const request = { params, query: Object.fromEntries(url.searchParams), body }
    requests.push({ name, ...request })
    const handler = handlers[name]
    if (handler === undefined) throw new CatwalkError('not_found', `The fake has no handler for ${name}.`)
    const output: unknown = route.response.parse(await handler(request))
    res.writeHead(route.status, { 'content-type': 'application/json' })
    res.end(route.status === 204 ? undefined : JSON.stringify(output))
  }

  const server = createServer((req, res) => {
    answer(req, res).catch((error: unknown) => {
      const failure = error instanceof CatwalkError ? error : new CatwalkError('internal', String(error))
      res.writeHead(failure.status, { 'content-type': 'application/json' })
      res.end(JSON.stringify(failure.toBody('req_fake')))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  // A TCP server's address is never a path.
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${port}`,
    apiKey: API_KEY,
    requests,
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

function match(method: string, path: string): { name: RouteName; params: Record<string, string> } | null {
  // The keys of the route table are the route names.
  for (const [name, route] of Object.entries(routes) as [RouteName, Routes[RouteName]][]) {
    const pattern = new RegExp(`^/api/v1${route.path.replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`)
    const found = pattern.exec(path)
    if (found === null || route.method !== method.toLowerCase()) continue
    const params = Object.entries(found.groups ?? {}).map(([key, value]) => [key, decodeURIComponent(value)])
    return { name, params: Object.fromEntries(params) as Record<string, string> }
  }
  return null
}

function openFeed(req: IncomingMessage, res: ServerResponse, number: number): FeedConnection {
  const lastEventId = req.headers['last-event-id']
  return {
    number,
    lastEventId: typeof lastEventId === 'string' ? lastEventId : null,
    send(kind, data, id) {
      res.write(`${id === undefined ? '' : `id: ${id}\n`}event: ${kind}\ndata: ${JSON.stringify(data)}\n\n`)
    },
    cut: () => void req.socket.destroy(),
    end: () => void res.end(),
    onClose: (listener) => void res.once('close', listener),
  }
}

async function read(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}
