import { afterAll, beforeAll, expect, test } from 'vitest'
import { startGithub, type FakeGithub } from '../fakes/github.ts'
import { startNpmRegistry, type NpmRegistry } from '../fakes/npm-registry.ts'
import { startProgram, type Program } from '../support/program.ts'
import { runCatwalk } from './run-catwalk.ts'

const CODE = `#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
if (!process.env.ACME_API_KEY) { console.error('Error: ACME_API_KEY environment variable is required'); process.exit(1) }
const answer = (id, result) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, result }) + '\\n')
const tool = { name: 'whoami', description: 'Says who.', inputSchema: { type: 'object' } }
createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line)
  if (id === undefined) return
  if (method === 'initialize') return answer(id, { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'acme', version: '1' } })
  if (method === 'tools/list') return answer(id, { tools: [tool] })
  if (method === 'tools/call') return answer(id, { content: [{ type: 'text', text: process.env.ACME_API_KEY.length + ' letters' }] })
  process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32601, message: 'no' } }) + '\\n')
})
`
const MANIFEST = {
  name: 'acme-mcp-server',
  version: '1.0.0',
  type: 'module',
  bin: { 'acme-mcp-server': 'server.js' },
  repository: { type: 'git', url: 'git+https://github.com/acme/acme-mcp-server.git' },
  dependencies: {},
}
const README = `# Acme MCP server

\`\`\`json
{ "mcpServers": { "acme": { "command": "npx", "args": ["-y", "acme-mcp-server"], "env": { "ACME_API_KEY": "your-key" } } } }
\`\`\`

- \`ACME_API_KEY\` (required): your API key.
`

let registry: NpmRegistry
let github: FakeGithub
let program: Program

beforeAll(async () => {
  const files = { 'server.js': CODE, 'README.md': README }
  registry = await startNpmRegistry([{ name: MANIFEST.name, version: '1.0.0', manifest: MANIFEST, files }])
  github = await startGithub()
  github.publish({
    name: 'acme/acme-mcp-server',
    files: { ...files, 'package.json': JSON.stringify(MANIFEST) },
  })
  github.publish({
    name: 'acme/website',
    files: { 'index.html': '<p>hello</p>', 'README.md': '# Our website' },
  })
  program = await startProgram({
    env: { npm_config_registry: registry.url, CATWALK_GITHUB_API_URL: github.url },
  })
})
afterAll(async () => {
  await program[Symbol.asyncDispose]()
  await github[Symbol.asyncDispose]()
  await registry[Symbol.asyncDispose]()
})

interface Document {
  readonly verdict: string
  readonly cached: boolean
  readonly source: { readonly commit: string }
  readonly launch: unknown
  readonly env: readonly { readonly name: string; readonly evidence: readonly unknown[] }[]
  readonly tools: readonly unknown[]
  readonly proof: unknown
}

async function analyze(...words: string[]): Promise<Document> {
  const { exitCode, stdout, stderr } = await runCatwalk(program, ['analyze', ...words, '--json'])
  expect(stderr + stdout).not.toBe('')
  expect(exitCode).toBe(0)
  return JSON.parse(stdout) as Document
}

test('a link to a repository is read, looked up and tried out, and says what the server needs', async () => {
  const found = await analyze('https://github.com/acme/acme-mcp-server')
  expect(found).toMatchObject({
    verdict: 'needs_input',
    cached: false,
    source: { kind: 'github', commit: github.commitOf('acme/acme-mcp-server') },
    launch: {
      package: { registry: 'npm', name: 'acme-mcp-server', version: '1.0.0' },
      command: 'acme-mcp-server',
      transport: 'stdio',
    },
    tools: [{ name: 'whoami', description: 'Says who.' }],
    proof: { booted: true, neededPlaceholders: ['ACME_API_KEY'] },
  })
  expect(found.env).toMatchObject([{ name: 'ACME_API_KEY', required: true, secret: true }])
  expect(found.env[0]?.evidence).not.toHaveLength(0)
})

test('the same commit is analysed once, and anew when that is asked for', async () => {
  expect((await analyze('acme/acme-mcp-server')).cached).toBe(true)
  expect((await analyze('acme/acme-mcp-server', '--fresh', '--no-boot')).cached).toBe(false)
})

test('a repository without a server is recognised, and is not deployed', async () => {
  expect((await analyze('acme/website')).verdict).toBe('not_a_server')
  const { exitCode, stdout } = await runCatwalk(program, ['deploy', 'acme/website', '--json'])
  expect(exitCode).not.toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({ error: 'not_a_server' })
})

test('what is required and missing is named before anything starts', async () => {
  const { exitCode, stdout } = await runCatwalk(program, ['deploy', 'acme/acme-mcp-server', '--json'])
  expect(exitCode).not.toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({
    error: 'missing_variable',
    message: expect.stringContaining('ACME_API_KEY'),
  })
})

test('a repository is deployed with its value, and its tool answers', async () => {
  const deployed = await runCatwalk(program, [
    'deploy',
    'github.com/acme/acme-mcp-server',
    '--env',
    'ACME_API_KEY=a-marked-secret',
    '--slug',
    'acme',
    '--json',
  ])
  expect(JSON.parse(deployed.stdout)).toMatchObject({ slug: 'acme', state: 'running' })
  const called = await runCatwalk(program, ['call', 'acme', 'whoami'])
  expect(called.stdout).toContain('15 letters')
})

test('a pasted snippet is deployed with its values', async () => {
  const snippet = JSON.stringify({
    mcpServers: {
      acme: { command: 'npx', args: ['-y', 'acme-mcp-server'], env: { ACME_API_KEY: 'from-a-snippet' } },
    },
  })
  const deployed = await runCatwalk(program, ['deploy', snippet, '--slug', 'pasted', '--json'])
  expect(JSON.parse(deployed.stdout)).toMatchObject({ slug: 'pasted', state: 'running' })
  expect((await runCatwalk(program, ['call', 'pasted', 'whoami'])).stdout).toContain('14 letters')
})
