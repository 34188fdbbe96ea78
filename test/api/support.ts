import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { getRequestListener } from '@hono/node-server'
import { createApi, type ApiOptions, type Handlers } from '../../src/api/index.ts'
import type { SignedIn } from '../../src/auth/index.ts'
import type { RouteName } from '../../src/contract/index.ts'
import { routes } from '../../src/contract/index.ts'
import { createSealer } from '../../src/protocol/index.ts'
import { CatwalkError, systemClock, type Logger, type Role } from '../../src/domain/index.ts'

export interface LogEntry {
  readonly level: string
  readonly fields: object
  readonly message: string
}

/** Keeps what was logged. */
export function recordingLogger(entries: LogEntry[] = []): Logger & { readonly entries: LogEntry[] } {
  const write = (level: string) => (fields: object, message: string) => {
    entries.push({ level, fields, message })
  }
  return {
    entries,
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: () => recordingLogger(entries),
  }
}

/** A person with this role, signed in by cookie or key. */
export function signedInAs(role: Role, by: SignedIn['by'] = 'api_key'): SignedIn {
  return {
    actor: { kind: 'user', id: 'user_1', label: 'a@example.com', workspaceId: 'ws_1', role, address: null },
    by,
    sessionId: by === 'cookie' ? 'session_1' : null,
    cookies: [],
  }
}

const unreachable = () => Promise.reject(new Error('This handler must not be reached.'))

/** Handlers that fail the test when they are reached, but for those given. */
export function handlersWith(some: Partial<Handlers>): Handlers {
  // Every route has an entry; those that are not given only ever reject.
  const all = Object.fromEntries(
    Object.keys(routes).map((name) => [name, unreachable]),
  ) as unknown as Handlers
  return { ...all, ...some }
}

/** Nobody can sign in to any endpoint. */
export const NO_SIGN_IN: Omit<ApiOptions['oauth'], 'db'> = {
  clock: systemClock,
  publicUrl: 'http://localhost:7420',
  tokenSealer: createSealer(Buffer.alloc(32, 1), 'token'),
  requestSealer: createSealer(Buffer.alloc(32, 1), 'request'),
  endpoints: { find: () => undefined, all: () => [] },
  askOwn: () => Promise.reject(new Error('Nothing is asked.')),
  fetchDocument: () => Promise.reject(new Error('Nothing is fetched.')),
  documentHosts: null,
  whenKnown: async () => undefined,
}

export const PORT = 7420
export const ORIGIN = `http://localhost:${PORT}`

const root = join(import.meta.dirname, '../..')

export function apiOptions(overrides: Partial<ApiOptions> & { signedIn?: SignedIn | null } = {}): ApiOptions {
  const { signedIn = null, ...rest } = overrides
  return {
    publicUrl: new URL(ORIGIN),
    port: PORT,
    auth: {
      handler: () => Promise.reject(new CatwalkError('not_found', 'Nothing.')),
      authenticate: () => Promise.resolve(signedIn),
    },
    handlers: handlersWith({}),
    oauth: {
      ...NO_SIGN_IN,
      get db(): never {
        throw new Error('The database must not be reached.')
      },
    },
    logger: recordingLogger(),
    clock: systemClock,
    version: '1.2.3',
    readiness: () => Promise.resolve({ ready: true, checks: { database: true } }),
    metrics: () => Promise.resolve({ contentType: 'text/plain', text: 'up 1\n' }),
    dashboardDir: join(root, 'test/api/no-such-folder'),
    docsDir: join(root, 'docs'),
    signal: new AbortController().signal,
    ...rest,
  }
}

export interface Asked {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly body: Record<string, unknown>
}

/** Asks the app without a socket. */
export async function ask(options: ApiOptions, path: string, init: RequestInit = {}): Promise<Asked> {
  const headers = new Headers(init.headers)
  if (!headers.has('host')) headers.set('host', `localhost:${PORT}`)
  const response = await createApi(options).request(`${ORIGIN}${path}`, { ...init, headers }, {})
  return read(response)
}

async function read(response: Response): Promise<Asked> {
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.startsWith('application/json') ?? false
  // Every JSON answer of the API is an object.
  const body = (isJson ? JSON.parse(text) : {}) as Record<string, unknown>
  return { status: response.status, headers: response.headers, text, body }
}

/** A path of the route with harmless parameters. */
export function pathOf(name: RouteName): string {
  return `/api/v1${routes[name].path.replaceAll(/\{\w+\}/g, 'x1')}`
}

/** Serves the API on a free port of this machine. */
export async function serveApi(
  overrides: Parameters<typeof apiOptions>[0] = {},
): Promise<{ origin: string; close: () => Promise<void> } & AsyncDisposable> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  // A server that listens on TCP has such an address.
  const { port } = server.address() as AddressInfo
  const origin = `http://127.0.0.1:${port}`
  const app = createApi(apiOptions({ publicUrl: new URL(origin), port, ...overrides }))
  const listener = getRequestListener(app.fetch)
  server.on('request', (req, res) => void listener(req, res))
  const close = async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  return { origin, close, [Symbol.asyncDispose]: close }
}
