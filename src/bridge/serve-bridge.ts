import { createHash, randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { CatwalkError, Secret, type Endpoint } from '../domain/index.ts'
import { hasSecret, serveEndpoint } from '../forwarding/index.ts'
import {
  allowPage,
  answerPreflight,
  createHttpSse,
  HTTP_SSE_SUFFIX,
  isLoopbackHost,
  loopbackPolicy,
  originProblem,
  RPC,
  type OriginPolicy,
} from '../protocol/index.ts'
import type { BridgeLimits } from './limits.ts'
import { createRespawningBridge } from './respawning-bridge.ts'
import { refuse } from './http/respond.ts'
import { spawnPlain } from './processes/spawn-plain.ts'

export interface ServeBridgeOptions {
  /** The server's program and its arguments; no shell is involved. */
  readonly command: readonly [string, ...string[]]
  /** 0 takes any free port. */
  readonly port: number
  /** The address to listen on. On loopback, `Host` and `Origin` must be local, so that no web page can reach in. */
  readonly host: string
  /** Where the server starts; the current directory if left out. */
  readonly cwd?: string
  /** The server's whole environment; our own if left out. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Origins of web pages that may call besides local ones, e.g. `https://app.example`. */
  readonly allowedOrigins?: readonly string[]
  readonly limits?: Partial<BridgeLimits>
  /**
   * For an instance in a container or machine: only who shows it is answered, and says who calls. `/healthz` is open.
   * The same secret lets sessions go on after a restart.
   */
  readonly secret?: Secret
}

export interface BridgeServer {
  /** The MCP endpoint. */
  readonly url: string
  /** Lets calls in flight finish for at most `graceMs`, then ends the server's processes. */
  close(graceMs: number): Promise<void>
}

// An import of node:http as a module evaluates all that it exports, its WebSocket too: 13 MiB of an HTTP client.
const { createServer } = process.getBuiltinModule('node:http')
const PATH = '/mcp'
const GRACE_MS = 5000
/** Longer than load balancers keep idle connections, so that it is never we who close one under a request. */
const KEEP_ALIVE_MS = 75_000

/**
 * One stdio server on Streamable HTTP, unsandboxed, without anything else of Catwalk. Everybody who can reach the
 * address is one subject: there are no tokens.
 * @throws CatwalkError `server_exited` when the command cannot be run, `port_in_use`
 */
export async function startBridgeServer(options: ServeBridgeOptions): Promise<BridgeServer> {
  const [command, ...args] = options.command
  const { cwd, env, secret } = options
  const bridge = await createRespawningBridge({
    launch: () => spawnPlain({ command, args, ...(cwd === undefined ? {} : { cwd }), ...(env && { env }) }),
    sealKey: secret === undefined ? randomBytes(32) : sealKeyOf(secret),
    deploymentId: 'bridge',
    output: (_stream, line) => process.stderr.write(`${line}\n`),
    ...(options.limits && { limits: options.limits }),
  })
  const policy = isLoopbackHost(options.host)
    ? loopbackPolicy(options.allowedOrigins)
    : { hosts: null, origins: new Set(options.allowedOrigins), loopbackPages: false }
  const server = createServer(
    { keepAliveTimeout: KEEP_ALIVE_MS, requestTimeout: 0 },
    secret === undefined ? handler(bridge, policy) : guarded(bridge, secret),
  )
  try {
    await listen(server, options)
  } catch (error) {
    await bridge.stop(0)
    throw error
  }
  return {
    url: urlOf(server, options.host),
    async close(graceMs) {
      const closed = new Promise((resolve) => server.close(resolve))
      await bridge.stop(graceMs)
      server.closeAllConnections()
      await closed
    },
  }
}

/** Like {@link startBridgeServer}, with the secret in a file; runs until SIGTERM or SIGINT, then ends the server's processes and returns. */
export async function serveBridge(
  given: ServeBridgeOptions & { readonly secretFile?: string },
): Promise<void> {
  const { secretFile, ...options } = given
  const secret = secretFile === undefined ? {} : { secret: await readSecret(secretFile) }

  const told = Promise.withResolvers<void>()
  const stop = () => told.resolve()
  process.once('SIGTERM', stop).once('SIGINT', stop)
  try {
    const server = await startBridgeServer({ ...options, ...secret })
    process.stderr.write(`${server.url}\n`)
    await told.promise
    await server.close(GRACE_MS)
  } finally {
    process.off('SIGTERM', stop).off('SIGINT', stop)
  }
}

/** Only for who has the secret; the way in from a gateway. */
function guarded(bridge: Endpoint, secret: Secret) {
  return (req: IncomingMessage, res: ServerResponse): void => {
    if (req.url === '/healthz') {
      return void res.writeHead(200, { 'content-type': 'application/json' }).end('{"ok":true}')
    }
    const action = (['mcp', 'request', 'probe'] as const).find((one) => req.url === `/${one}`)
    // To anybody else there is nothing here.
    if (action === undefined || !hasSecret(req, secret)) return void res.writeHead(404).end()
    serveEndpoint(bridge, action, req, res)
  }
}

function sealKeyOf(secret: Secret): Buffer {
  return createHash('sha256').update(`catwalk bridge seal ${secret.reveal()}`).digest()
}

/** @throws CatwalkError `config_invalid` when the file cannot be read or holds less than 32 characters */
async function readSecret(path: string): Promise<Secret> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new CatwalkError('config_invalid', 'The file with the secret cannot be read.', { cause })
  })
  if (text.trim().length >= 32) return new Secret(text.trim())
  throw new CatwalkError('config_invalid', 'The secret has at least 32 characters.')
}

function handler(bridge: Endpoint, policy: OriginPolicy) {
  const run = randomBytes(4).toString('hex')
  const httpSse = createHttpSse()
  let requests = 0
  return (req: IncomingMessage, res: ServerResponse): void => {
    const requestId = `req_${run}${(++requests).toString(36)}`
    const problem = originProblem(policy, req.headers.host, req.headers.origin)
    if (problem !== null) {
      const what = problem === 'host' ? 'Host' : 'Origin'
      return refuse(res, 403, requestId, RPC.serverError, `${what} is not allowed here.`)
    }
    if (req.headers.origin !== undefined) {
      allowPage(res, req.headers.origin)
      if (req.method === 'OPTIONS') return answerPreflight(req, res)
    }
    const pass = (message: IncomingMessage, answer: ServerResponse): void =>
      bridge.handle(message, answer, { subject: 'local', requestId })
    const path = /^[^?]*/.exec(req.url ?? '')?.[0]
    if (path === PATH) return pass(req, res)
    if (path === PATH + HTTP_SSE_SUFFIX) return httpSse.handle(req, res, 'local', pass)
    refuse(res, 404, requestId, RPC.serverError, `The endpoint is ${PATH}.`)
  }
}

async function listen(server: Server, { host, port }: ServeBridgeOptions): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen(port, host, resolve)
  try {
    await promise
  } catch (cause) {
    const taken = cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE'
    if (taken) throw new CatwalkError('port_in_use', `Port ${port} on ${host} is taken.`, { cause })
    throw cause
  }
}

function urlOf(server: Server, host: string): string {
  // A server that listens on TCP has an address with a port.
  const { port } = server.address() as AddressInfo
  const name = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
  return `http://${name}:${port}${PATH}`
}
