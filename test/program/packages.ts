import type { FakePackage } from '../fakes/npm-registry.ts'

function server(name: string, code: string): FakePackage {
  return {
    name,
    version: '1.0.0',
    manifest: { bin: 'server.cjs' },
    files: { 'server.cjs': `#!/usr/bin/env node\n${code}` },
  }
}

// Answers the handshake and tools/list, nothing else.
const MINIMAL = `
const answer = (id, result) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, result }) + '\\n')
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line)
  if (id === undefined) return
  if (method === 'initialize') return answer(id, { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'minimal', version: '1' } })
  if (method === 'tools/list') return answer(id, { tools: [{ name: 'crash', inputSchema: { type: 'object' } }, { name: 'secret', inputSchema: { type: 'object' } }] })
  if (params?.name === 'crash') process.exit(9)
  answer(id, { content: [{ type: 'text', text: 'ok' }] })
})
`

/** Packages that are wrong in one way each, and one that is right. */
export const PACKAGES: readonly FakePackage[] = [
  server('good-server', MINIMAL),
  server(
    'noisy-server',
    `console.log('Welcome to the noisy server!')\nconsole.log('\\u0000\\u001b[31mready')\n${MINIMAL}`,
  ),
  { name: 'just-a-library', version: '1.0.0', files: { 'index.js': '' } },
  { name: 'broken-bin', version: '1.0.0', manifest: { bin: '../../etc/passwd' } },
  server('quits-at-once', `console.error('cannot find my configuration'); process.exit(4)`),
  server(
    'wants-a-key',
    `if (!process.env.ACME_API_KEY) { console.error('Error: ACME_API_KEY environment variable is required'); process.exit(1) }\n${MINIMAL}`,
  ),
  server('prints-its-key', `console.error('my key is ' + process.env.ACME_API_KEY)\n${MINIMAL}`),
  server('says-nothing', `process.stdin.resume()`),
  server(
    'talks-rubbish',
    `setInterval(() => console.log('<html>this is not MCP</html>'), 50); process.stdin.resume()`,
  ),
]
