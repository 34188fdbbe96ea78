import type { FakePackage } from '../fakes/npm-registry.ts'

/** Tells which token it was given. */
export const TELLER: FakePackage = {
  name: 'teller-mcp',
  version: '1.0.0',
  manifest: { bin: 'server.cjs' },
  files: {
    'server.cjs': `#!/usr/bin/env node
const answers = {
  initialize: ({ protocolVersion }) => ({
    protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'teller', version: '1' },
  }),
  'tools/list': () => ({ tools: [{ name: 'token', inputSchema: { type: 'object' } }] }),
  'tools/call': () => ({ content: [{ type: 'text', text: String(process.env.API_TOKEN) }] }),
}
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line)
  if (id === undefined) return
  const answer = answers[method] ? { result: answers[method](params) } : { error: { code: -32601, message: 'no' } }
  process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, ...answer }) + '\\n')
})
`,
  },
}
