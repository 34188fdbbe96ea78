import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { pathToFileURL, fileURLToPath } from 'node:url'
import { join } from 'node:path'
import { createServer } from 'node:net'
import { startNpmRegistry } from '../test/fakes/npm-registry.ts'
import { runCatwalk } from '../test/program/run-catwalk.ts'
import { bundledPackage } from '../test/support/bundle.ts'
import { startProgram, type Program } from '../test/support/program.ts'
import { Connection } from './connection.ts'
import { callOf, headOf, openSession, type Manner } from './mcp-client.ts'
import { signIn } from './sign-in.ts'

/** Something that answers MCP over HTTP and can be measured. */
export interface Running extends AsyncDisposable {
  readonly url: string
  /** The process whose cost counts; its servers are its children. */
  readonly pid: number
  /** More headers of each request. */
  readonly headers: readonly string[]
}

export type Start = (server?: 'legacy' | 'modern') => Promise<Running>

const START_MS = 20_000
const END_MS = 5000
const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const SERVER = path('stdio-server.ts')
const serverArgs = (server: 'legacy' | 'modern') => [SERVER, ...(server === 'modern' ? ['--modern'] : [])]

/** The same tools in a bare node:http server. */
export const startDirect: Start = async () => {
  const port = await freePort()
  return startHttp(process.execPath, [path('direct.ts'), String(port)], `http://127.0.0.1:${port}/mcp`)
}

/** Two processes and nothing else: what crossing a pipe costs by itself. */
export const startPassThrough: Start = async () => {
  const port = await freePort()
  const words = [path('pass-through.ts'), String(port), process.execPath, ...serverArgs('legacy')]
  return startHttp(process.execPath, words, `http://127.0.0.1:${port}/mcp`)
}

/** `bin/catwalk bridge` in front of the bench's server. */
export const startBridge: Start = async (server = 'legacy') => {
  const port = await freePort()
  const words = ['bridge', '--port', String(port), '--', process.execPath, ...serverArgs(server)]
  const url = `http://127.0.0.1:${port}/mcp`
  return startHttp(process.execPath, [path('../bin/catwalk'), ...words], url, { era: server })
}

/** The server deployed to a whole Catwalk without limits, called with an endpoint token. */
export const startEndpoint: Start = async (server) => deployed(server, 'token')

/** The same, called by somebody who signed in (OAuth). */
export const startSignedIn: Start = async (server) => deployed(server, 'oauth')

async function deployed(server: 'legacy' | 'modern' = 'legacy', access: 'token' | 'oauth'): Promise<Running> {
  const stack = new AsyncDisposableStack()
  try {
    const registry = stack.use(await startNpmRegistry([await bundledPackage('bench-mcp', SERVER)]))
    const program = stack.use(
      await startProgram({
        env: {
          npm_config_registry: registry.url,
          npm_config_userconfig: '/nonexistent',
          CATWALK_TOKEN_REQUESTS_PER_MINUTE: '0',
          CATWALK_ADDRESS_REQUESTS_PER_MINUTE: '0',
        },
      }),
    )
    const more = server === 'modern' ? ['--arg', '--modern'] : []
    const words = ['deploy', 'npm:bench-mcp', ...more, '--wait', '--json']
    const { exitCode, stdout, stderr } = await runCatwalk(program, words)
    if (exitCode !== 0) throw new Error(`The server was not deployed: ${stdout}${stderr}`)
    // Documented in docs/cli.md.
    const { endpoint, token } = JSON.parse(stdout) as { endpoint: string; token: string }
    const accessToken = access === 'token' ? token : await signedIn(program, endpoint)
    return {
      url: endpoint,
      pid: program.pid,
      headers: [`authorization: Bearer ${accessToken}`],
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    }
  } catch (error) {
    await stack.disposeAsync()
    throw error
  }
}

async function signedIn(program: Program, endpoint: string): Promise<string> {
  const slug = new URL(endpoint).pathname.split('/').at(-1) ?? ''
  const { exitCode, stderr } = await runCatwalk(program, ['settings', slug, '--access', 'oauth'])
  if (exitCode !== 0) throw new Error(`Nobody is let sign in: ${stderr}`)
  return signIn(program, endpoint)
}

type PeerRecipe = (given: {
  readonly port: number
  readonly upstream: { readonly command: string; readonly args: readonly string[] }
}) => {
  readonly cmd: string
  readonly args: readonly (string | number)[]
  readonly url: string
  readonly env?: NodeJS.ProcessEnv
  readonly stateless?: boolean
}

/**
 * The bridges that a folder's peers.mjs knows how to start, by name. That folder is the operator's own, and its code is
 * trusted like a script that is typed at a prompt.
 */
export async function findPeers(folder: string): Promise<ReadonlyMap<string, Start>> {
  const module: unknown = await import(pathToFileURL(join(folder, 'peers.mjs')).href)
  // The form that the folder's own README gives.
  const { PEERS } = module as { readonly PEERS: Readonly<Record<string, PeerRecipe>> }
  const others = Object.entries(PEERS).filter(([name]) => name !== 'direct' && name !== 'catwalk')
  return new Map(
    others.map(([name, recipe]) => [
      name,
      async () => {
        const port = await freePort()
        const upstream = { command: process.execPath, args: serverArgs('legacy') }
        const { cmd, args, url, env = {} } = recipe({ port, upstream })
        return startHttp(cmd, args.map(String), url, { env: { ...process.env, ...env }, cwd: folder })
      },
    ]),
  )
}

/** Starts a program and waits until it answers a handshake. */
async function startHttp(
  command: string,
  args: readonly string[],
  url: string,
  more: { readonly env?: NodeJS.ProcessEnv; readonly cwd?: string; readonly era?: Manner['era'] } = {},
): Promise<Running> {
  const { env = process.env, cwd, era = 'legacy' } = more
  // In a group of its own, so that what it started ends with it.
  const child = spawn(command, args, { env, cwd, stdio: 'ignore', detached: true })
  const failed = once(child, 'error').then(([error]) => Promise.reject(error as Error))
  const stop = () => end(child)
  try {
    await Promise.race([answers({ url, headers: [], era, capable: false }), failed])
    // A process that answered has an id.
    return { url, pid: child.pid ?? -1, headers: [], [Symbol.asyncDispose]: stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Resolves when an endpoint has answered a call. */
async function answers(manner: Manner): Promise<void> {
  const deadline = performance.now() + START_MS
  for (;;) {
    try {
      const connection = await Connection.open(Number(new URL(manner.url).port))
      const session = await openSession(connection, manner)
      const answer = await connection.request(
        headOf(manner, session, 'echo'),
        callOf(manner, 1, 'echo', { text: 'hello' }),
      )
      connection.close()
      if (answer.status !== 200) throw new Error(`a call was answered with ${answer.status}`)
      return
    } catch (error) {
      if (performance.now() > deadline) throw error
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
  }
}

async function end(child: ChildProcess): Promise<void> {
  const gone = child.exitCode !== null || child.signalCode !== null ? undefined : once(child, 'exit')
  child.kill('SIGTERM')
  const late = setTimeout(() => killGroup(child), END_MS)
  await gone
  clearTimeout(late)
  killGroup(child)
}

/** Whatever of its group is left. */
function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL')
  } catch {
    // Nothing is left.
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('there is no free port')
  return address.port
}
