import type { FakePackage } from '../fakes/npm-registry.ts'

/** Tells which process it is and what it was asked to watch, prints what it is told, and asks its client who that is. */
export const WATCHER: FakePackage = {
  name: 'watcher-mcp',
  version: '1.0.0',
  manifest: { bin: 'server.cjs' },
  files: {
    'server.cjs': `#!/usr/bin/env node
const asked = []
let asking
// Process ids are the sandbox's own.
const self = String(Math.random())
const send = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n')
const tools = ['whoami', 'asked', 'announce', 'ask', 'print'].map((name) => ({ name, inputSchema: { type: 'object' } }))
const answer = {
  initialize: ({ protocolVersion }) => ({
    protocolVersion,
    capabilities: { tools: {}, resources: { subscribe: true }, logging: {} },
    serverInfo: { name: 'watcher', version: '1' },
  }),
  'tools/list': () => ({ tools }),
  'resources/list': () => ({ resources: [] }),
  'resources/templates/list': () => ({ resourceTemplates: [] }),
  'resources/subscribe': ({ uri }) => (asked.push(uri), {}),
  'logging/setLevel': ({ level }) => (asked.push(level), {}),
  'tools/call': ({ name, arguments: given }) => {
    if (name === 'print') console.error(given.text)
    if (name === 'announce') send({ method: 'notifications/resources/updated', params: { uri: 'watch://one' } })
    return { content: [{ type: 'text', text: name === 'whoami' ? self : asked.join(' ') }] }
  },
}
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params, result } = JSON.parse(line)
  if (id === undefined) return
  if (method === undefined) {
    return send({ id: asking, result: { content: [{ type: 'text', text: result.content.who }] } })
  }
  if (method === 'tools/call' && params.name === 'ask') {
    asking = id
    const requestedSchema = { type: 'object', properties: { who: { type: 'string' } } }
    return send({ id: 'question', method: 'elicitation/create', params: { message: 'Who?', requestedSchema } })
  }
  send(answer[method] ? { id, result: answer[method](params ?? {}) } : { id, error: { code: -32601, message: 'no' } })
})
`,
  },
}
