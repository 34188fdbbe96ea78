import type { FakePackage } from '../fakes/npm-registry.ts'

/** Parts of a server's program, in JavaScript of CommonJS. */
export interface ServerParts {
  readonly version?: string
  /** What runs first. It has `send(message)`, which needs no `jsonrpc`. */
  readonly begin?: string
  /** The server's capabilities. Left out: tools. */
  readonly capabilities?: string
  /**
   * Members of an object: what makes the result of a method out of its params, or a promise of it. `initialize` and `ping`
   * are there already, methods that are missing are refused, and what is undefined is left without an answer.
   */
  readonly answers: string
}

/** The program of a server with a handshake, in one file without dependencies. */
export function serverProgram(name: string, parts: ServerParts): string {
  const { version = '1.0.0', begin = '', capabilities = '{ tools: {} }', answers } = parts
  return `#!/usr/bin/env node
const send = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n')
${begin}
const answers = {
  initialize: ({ protocolVersion }) => ({
    protocolVersion,
    capabilities: ${capabilities},
    serverInfo: { name: ${JSON.stringify(name)}, version: ${JSON.stringify(version)} },
  }),
  ping: () => ({}),
${answers}
}
require('node:readline').createInterface({ input: process.stdin }).on('line', async (line) => {
  const { id, method, params = {} } = JSON.parse(line)
  if (id === undefined) return
  if (!answers[method]) return send({ id, error: { code: -32601, message: 'Method not found' } })
  const result = await answers[method](params, id)
  if (result !== undefined) send({ id, result })
})
`
}

/** A package with such a server, to be published in a registry of the tests. */
export function serverPackage(name: string, parts: ServerParts): FakePackage {
  return {
    name,
    version: parts.version ?? '1.0.0',
    manifest: { bin: 'server.cjs' },
    files: { 'server.cjs': serverProgram(name, parts) },
  }
}

/** The definition of tools, by their names. */
export function toolsNamed(...names: readonly string[]): string {
  return `() => ({ tools: ${JSON.stringify(names)}.map((name) => ({ name, inputSchema: { type: 'object' } })) })`
}
