import type { FakePackage } from '../fakes/npm-registry.ts'
import { serverPackage, toolsNamed } from '../support/server-package.ts'

function server(name: string, code: string): FakePackage {
  return {
    name,
    version: '1.0.0',
    manifest: { bin: 'server.cjs' },
    files: { 'server.cjs': `#!/usr/bin/env node\n${code}` },
  }
}

function working(name: string, begin = ''): FakePackage {
  return serverPackage(name, {
    begin,
    answers: `
  'tools/list': ${toolsNamed('crash', 'secret')},
  'tools/call': ({ name }) => {
    if (name === 'crash') process.exit(9)
    return { content: [{ type: 'text', text: 'ok' }] }
  },
`,
  })
}

/** Packages that are wrong in one way each, and one that is right. */
export const PACKAGES: readonly FakePackage[] = [
  working('good-server'),
  working(
    'noisy-server',
    `console.log('Welcome to the noisy server!')\nconsole.log('\\u0000\\u001b[31mready')`,
  ),
  { name: 'just-a-library', version: '1.0.0', files: { 'index.js': '' } },
  { name: 'broken-bin', version: '1.0.0', manifest: { bin: '../../etc/passwd' } },
  server('quits-at-once', `console.error('cannot find my configuration'); process.exit(4)`),
  working(
    'wants-a-key',
    `if (!process.env.ACME_API_KEY) { console.error('Error: ACME_API_KEY environment variable is required'); process.exit(1) }`,
  ),
  working('prints-its-key', `console.error('my key is ' + process.env.ACME_API_KEY)`),
  server('says-nothing', `process.stdin.resume()`),
  server(
    'talks-rubbish',
    `setInterval(() => console.log('<html>this is not MCP</html>'), 50); process.stdin.resume()`,
  ),
]
