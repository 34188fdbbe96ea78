import type { FakePackage } from '../fakes/npm-registry.ts'
import { serverPackage } from '../support/server-package.ts'

/** Says things again, and shows what it was started with. */
const ECHO = serverPackage('echo-mcp', {
  begin: `
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
console.error('echo server started')`,
  answers: `
  'tools/list': () => ({ tools }),
  'tools/call': (params) => call[params.name](params.arguments ?? {}),
`,
})

function server(name: string, source: string): FakePackage {
  return { name, version: '1.0.0', manifest: { bin: 'server.cjs' }, files: { 'server.cjs': source } }
}

/** A server that works, and servers with one thing wrong each. */
export const PACKAGES: readonly FakePackage[] = [
  ECHO,
  server('needs-key-mcp', "console.error('\\u001b[31mAPI_KEY is required'); process.exit(3)\n"),
  server('silent-mcp', 'process.stdin.resume()\n'),
  server('rubbish-mcp', "process.stdin.resume(); setInterval(() => console.log('<html>'), 50)\n"),
  { name: 'library', version: '1.0.0', files: { 'index.js': '' } },
]
