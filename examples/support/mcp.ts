import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { getDefaultEnvironment, StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { median } from './timing.ts'

const CALLS = 50
/** Where a sandboxed server keeps its files, as it sees it. */
const HOME_IN_SANDBOX = '/home/server'

/** A connected client of the official SDK. */
export interface McpClient extends AsyncDisposable {
  callTool(name: string, args: Readonly<Record<string, unknown>>): Promise<unknown>
}

/** Connects to an endpoint over Streamable HTTP with its bearer token. */
export async function connectToEndpoint(endpoint: string, token: string): Promise<McpClient> {
  const headers = { Authorization: `Bearer ${token}` }
  const transport = new StreamableHTTPClientTransport(new URL(endpoint), { requestInit: { headers } })
  return connect(transport, () => transport.terminateSession())
}

/**
 * Starts a script as a child process and connects over standard input and output. An empty directory takes the place of
 * the home that it has in the sandbox.
 */
export async function connectToCommand(
  script: string,
  args: readonly string[],
  variables: Readonly<Record<string, string>>,
): Promise<McpClient> {
  const directory = await mkdtemp(join(tmpdir(), 'catwalk-example-'))
  const env = getDefaultEnvironment()
  for (const [name, value] of Object.entries(variables)) env[name] = value.replace(HOME_IN_SANDBOX, directory)
  const command = { command: process.execPath, args: [script, ...args], cwd: directory, env }
  const transport = new StdioClientTransport({ ...command, stderr: 'ignore' })
  return connect(
    transport,
    () => Promise.resolve(),
    () => rm(directory, { recursive: true }),
  )
}

async function connect(
  transport: Transport,
  beforeClose: () => Promise<void>,
  afterClose: () => Promise<void> = () => Promise.resolve(),
): Promise<McpClient> {
  const client = new Client({ name: 'first-light', version: '1.0.0' })
  await client.connect(transport)
  return {
    callTool: (name, args) => client.callTool({ name, arguments: args }),
    async [Symbol.asyncDispose]() {
      await beforeClose()
      await client.close()
      await afterClose()
    },
  }
}

/** The median time of a call in milliseconds, one call after the other. */
export async function measureCalls(
  client: McpClient,
  tool: string,
  args: Readonly<Record<string, unknown>>,
): Promise<number> {
  const times: number[] = []
  for (let count = 0; count < CALLS; count += 1) {
    const start = performance.now()
    await client.callTool(tool, args)
    times.push(performance.now() - start)
  }
  return median(times)
}

/** The script of a package that Catwalk has installed. @throws when it has not */
export async function installedCommand(dataDir: string, packageName: string): Promise<string> {
  const store = join(dataDir, 'store')
  for (const entry of await readdir(store)) {
    const folder = join(store, entry, 'node_modules', packageName)
    const manifest = await readFile(join(folder, 'package.json'), 'utf8').catch(() => null)
    if (manifest === null) continue
    // A published manifest: `bin` is one path or several by name.
    const { bin } = JSON.parse(manifest) as { bin: string | Record<string, string> }
    const script = typeof bin === 'string' ? bin : Object.values(bin)[0]
    if (script !== undefined) return join(folder, script)
  }
  throw new Error(`${packageName} is not in the store.`)
}
