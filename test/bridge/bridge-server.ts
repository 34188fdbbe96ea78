import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { Caller } from '../../src/domain/index.ts'
import { createBridge, spawnPlain, type Bridge, type BridgeOptions } from '../../src/bridge/index.ts'

export interface BridgeUnderTest extends AsyncDisposable {
  readonly url: string
  readonly bridge: Bridge
  /** What the server printed besides MCP, and remarks of the bridge. */
  readonly output: readonly string[]
  /** Processes that were started so far. */
  readonly launches: () => number
}

const SEAL_KEY = Buffer.alloc(32, 7)

/** A fixture's command line. */
export function fixture(name: string, ...args: string[]): readonly [string, ...string[]] {
  return [process.execPath, fileURLToPath(new URL(`../fixtures/${name}.ts`, import.meta.url)), ...args]
}

/** A bridge to a fixture, on a real socket. The header `x-subject` says who calls. */
export async function startBridge(
  command: readonly [string, ...string[]],
  options: Partial<BridgeOptions> = {},
  report?: Caller['report'],
): Promise<BridgeUnderTest> {
  const output: string[] = []
  let launches = 0
  const [program, ...args] = command
  const bridge = await createBridge(
    {
      launch() {
        launches++
        return spawnPlain({ command: program, args })
      },
      sealKey: SEAL_KEY,
      deploymentId: 'dep_test',
      output: (stream, line) => output.push(`${stream}: ${line}`),
      ...options,
    },
    AbortSignal.timeout(10_000),
  )
  let requests = 0
  const server = createServer((req, res) => {
    const subject = req.headers['x-subject']
    bridge.handle(req, res, {
      subject: typeof subject === 'string' ? subject : 'somebody',
      requestId: `req_${++requests}`,
      ...(report === undefined ? {} : { report }),
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  // A server that listens on TCP has an address with a port.
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    bridge,
    output,
    launches: () => launches,
    async [Symbol.asyncDispose]() {
      await bridge.stop(0)
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
