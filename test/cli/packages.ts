import type { FakePackage } from '../fakes/npm-registry.ts'

/** A server in one file: says things again, and shows what it was started with. */
const ECHO = `#!/usr/bin/env node
const { createInterface } = require('node:readline')
const tools = [
  { name: 'echo', description: 'Says it again.\\nNothing more.', inputSchema: { type: 'object' } },
  { name: 'started', description: 'How it was started.', inputSchema: { type: 'object' } },
  { name: 'fail', inputSchema: { type: 'object' } },
]
const text = (value) => ({ content: [{ type: 'text', text: value }] })
const call = {
  echo: ({ message }) => text(String(message)),
  started: () => text(JSON.stringify({ args: process.argv.slice(2), key: process.env.ECHO_KEY ?? null })),
  fail: () => ({ ...text('It went wrong.'), isError: true }),
}
const answer = {
  initialize: ({ protocolVersion }) => ({
    protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'echo', version: '1.0.0' },
  }),
  ping: () => ({}),
  'tools/list': () => ({ tools }),
  'tools/call': (params) => call[params.name](params.arguments ?? {}),
}
console.error('echo server started')
createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line)
  if (id === undefined) return
  const message = answer[method]
    ? { result: answer[method](params ?? {}) }
    : { error: { code: -32601, message: 'Method not found' } }
  process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, ...message }) + '\\n')
})
`

function server(name: string, source: string): FakePackage {
  return { name, version: '1.0.0', manifest: { bin: 'server.cjs' }, files: { 'server.cjs': source } }
}

/** A server that works, and servers with one thing wrong each. */
export const PACKAGES: readonly FakePackage[] = [
  server('echo-mcp', ECHO),
  server('needs-key-mcp', "console.error('\\u001b[31mAPI_KEY is required'); process.exit(3)\n"),
  server('silent-mcp', 'process.stdin.resume()\n'),
  server('rubbish-mcp', "process.stdin.resume(); setInterval(() => console.log('<html>'), 50)\n"),
  { name: 'library', version: '1.0.0', files: { 'index.js': '' } },
]
