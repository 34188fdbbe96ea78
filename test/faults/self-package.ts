import type { FakePackage } from '../fakes/npm-registry.ts'

/** Tells which process it is. */
export const SELF: FakePackage = {
  name: 'self-mcp',
  version: '1.0.0',
  manifest: { bin: 'server.cjs' },
  files: {
    'server.cjs': `#!/usr/bin/env node
const self = String(Math.random())
const send = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n')
const answers = {
  initialize: ({ protocolVersion }) => ({
    protocolVersion,
    capabilities: { tools: {} },
    serverInfo: { name: 'self', version: '1' },
  }),
  'tools/list': () => ({ tools: [{ name: 'whoami', inputSchema: { type: 'object' } }] }),
  'tools/call': () => ({ content: [{ type: 'text', text: self }] }),
}
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line)
  if (id === undefined) return
  send(answers[method] ? { id, result: answers[method](params ?? {}) } : { id, error: { code: -32601, message: 'no' } })
})
`,
  },
}
