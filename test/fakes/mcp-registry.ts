import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A server of the registry as its API shows it: ServerResponse of its OpenAPI document. */
export interface FakeServer {
  readonly server: Readonly<Record<string, unknown>> & { readonly name: string; readonly version: string }
  readonly status?: 'active' | 'deprecated' | 'deleted'
  readonly statusMessage?: string
  readonly publishedAt?: string
  readonly updatedAt?: string
}

type Interference = (req: IncomingMessage, res: ServerResponse, answer: () => void) => void

export interface FakeMcpRegistry extends AsyncDisposable {
  readonly url: string
  /** Paths with their queries, in order. */
  readonly requests: readonly string[]
  /** Adds it, or replaces the one of this name. */
  publish(server: FakeServer): void
  /** Takes it out without a trace, as a reset of the registry's data does. */
  forget(name: string): void
  /** Adds an item to every list as it is, whatever it is. */
  publishRaw(item: unknown): void
  interfere(handler: Interference | null): void
}

const META = 'io.modelcontextprotocol.registry/official'

/** The official MCP Registry's `/v0.1` on loopback: lists by name with opaque cursors, and one version of one server. */
export async function startMcpRegistry(servers: readonly FakeServer[] = []): Promise<FakeMcpRegistry> {
  const known = new Map<string, FakeServer>()
  const raw: unknown[] = []
  const requests: string[] = []
  let interference: Interference | null = null
  const publish = (server: FakeServer) => void known.set(server.server.name, server)
  servers.forEach(publish)

  function answer(req: IncomingMessage, res: ServerResponse): void {
    const url = new URL(req.url ?? '/', 'http://registry')
    const [, name, version] = /^\/v0\.1\/servers\/([^/]+)\/versions\/([^/]+)$/.exec(url.pathname) ?? []
    if (name !== undefined) return answerOne(res, decodeURIComponent(name), decodeURIComponent(version ?? ''))
    if (url.pathname !== '/v0.1/servers') return send(res, 404, { title: 'Not Found', status: 404 })
    const { cursor, limit, updated_since: since, version: filter } = Object.fromEntries(url.searchParams)
    const most = Number(limit ?? 30)
    if (!(most >= 1 && most <= 100) || (since !== undefined && Number.isNaN(Date.parse(since)))) {
      return send(res, 422, { title: 'Unprocessable Entity', status: 422 })
    }
    const at = cursor === undefined ? '' : Buffer.from(cursor, 'base64url').toString()
    if (cursor !== undefined && !at.startsWith('after:'))
      return send(res, 400, { title: 'Bad Request', status: 400 })
    const listed = [...known.values()]
      .filter(({ status }) => status !== 'deleted' || since !== undefined)
      .filter(({ updatedAt }) => since === undefined || Date.parse(updatedAt ?? DAY_ONE) >= Date.parse(since))
      .filter(() => filter === undefined || filter === 'latest')
      .toSorted((a, b) => (a.server.name < b.server.name ? -1 : 1))
      .filter(({ server }) => at === '' || server.name > at.slice('after:'.length))
    const page = listed.slice(0, most)
    const last = page.at(-1)
    const next = listed.length > most && last !== undefined ? `after:${last.server.name}` : null
    send(res, 200, {
      servers: [...page.map(present), ...(at === '' ? raw : [])],
      metadata: {
        count: page.length,
        ...(next === null ? {} : { nextCursor: Buffer.from(next).toString('base64url') }),
      },
    })
  }

  function answerOne(res: ServerResponse, name: string, version: string): void {
    const found = known.get(name)
    const isThere =
      found !== undefined &&
      found.status !== 'deleted' &&
      (version === 'latest' || found.server.version === version)
    if (isThere) send(res, 200, present(found))
    else send(res, 404, { title: 'Not Found', status: 404, detail: 'Server not found' })
  }

  const http = createServer((req, res) => {
    requests.push(req.url ?? '')
    if (interference === null) answer(req, res)
    else interference(req, res, () => answer(req, res))
  })
  return {
    url: await listen(http),
    requests,
    publish,
    forget: (name) => void known.delete(name),
    publishRaw: (item) => void raw.push(item),
    interfere: (handler) => {
      interference = handler
    },
    [Symbol.asyncDispose]: () => close(http),
  }
}

const DAY_ONE = '2026-01-01T00:00:00Z'

function present({ server, status = 'active', statusMessage, publishedAt, updatedAt }: FakeServer): unknown {
  return {
    server: {
      $schema: 'https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json',
      ...server,
    },
    _meta: {
      [META]: {
        status,
        ...(statusMessage === undefined ? {} : { statusMessage }),
        statusChangedAt: publishedAt ?? DAY_ONE,
        publishedAt: publishedAt ?? DAY_ONE,
        updatedAt: updatedAt ?? DAY_ONE,
        isLatest: true,
      },
    },
  }
}

export interface FakeGlama extends AsyncDisposable {
  readonly url: string
  readonly requests: readonly string[]
  /** Servers in Glama's shape. */
  readonly servers: Record<string, unknown>[]
}

/** Glama's `/api/mcp/v1/servers` on loopback, with its connection-style pages. */
export async function startGlama(servers: readonly Record<string, unknown>[] = []): Promise<FakeGlama> {
  const all = [...servers]
  const requests: string[] = []
  const http = createServer((req, res) => {
    requests.push(req.url ?? '')
    const url = new URL(req.url ?? '/', 'http://glama')
    if (url.pathname !== '/api/mcp/v1/servers') return send(res, 404, { error: 'Not found' })
    const first = Number(url.searchParams.get('first') ?? 10)
    if (!(first >= 1 && first <= 100)) return send(res, 400, { error: 'first' })
    const start = Number(url.searchParams.get('after') ?? 0)
    const end = Math.min(all.length, start + first)
    send(res, 200, {
      pageInfo: {
        startCursor: String(start),
        endCursor: String(end),
        hasNextPage: end < all.length,
        hasPreviousPage: start > 0,
      },
      servers: all.slice(start, end),
    })
  })
  return { url: await listen(http), requests, servers: all, [Symbol.asyncDispose]: () => close(http) }
}

/** A server in Glama's shape. */
export function glamaServer(namespace: string, slug: string, changes: Record<string, unknown> = {}) {
  return {
    id: `${namespace}-${slug}`,
    name: slug,
    namespace,
    slug,
    description: `Does ${slug}.`,
    attributes: ['hosting:local-only'],
    environmentVariablesJsonSchema: { type: 'object', properties: {}, required: [] },
    repository: { url: `https://github.com/${namespace}/${slug}` },
    spdxLicense: { name: 'MIT License', url: 'https://spdx.org/licenses/MIT.json' },
    tools: [],
    url: `https://glama.ai/mcp/servers/${namespace}/${slug}`,
    ...changes,
  }
}

function send(res: ServerResponse, status: number, body: unknown): void {
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

async function listen(http: ReturnType<typeof createServer>): Promise<string> {
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  // A TCP server's address is never a path.
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}`
}

async function close(http: ReturnType<typeof createServer>): Promise<void> {
  http.close()
  http.closeAllConnections()
  await once(http, 'close')
}
