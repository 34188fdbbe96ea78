import { afterAll, beforeAll, expect, test } from 'vitest'
import { startGithub, type FakeGithub } from '../fakes/github.ts'
import { startNpmRegistry, type NpmRegistry } from '../fakes/npm-registry.ts'
import { startProgram, type Program } from '../support/program.ts'
import { runCatwalk } from './run-catwalk.ts'

// A server of two tools, of which one says what its helper package and its variable are.
const NODE = `import { word } from 'acme-helper'
import { createInterface } from 'node:readline'
if (!process.env.NOTES_TOKEN) { console.error('NOTES_TOKEN is required'); process.exit(1) }
// Speaks the Model Context Protocol by hand: "initialize", "tools/list", "tools/call".
const answer = (id: unknown, result: unknown): void => { process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, result }) + '\\n') }
createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line)
  if (id === undefined) return
  if (method === 'initialize') answer(id, { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'notes', version: '1' } })
  else if (method === 'tools/list') answer(id, { tools: [{ name: 'speak', inputSchema: { type: 'object' } }] })
  else if (method === 'tools/call') answer(id, { content: [{ type: 'text', text: word + ' ' + process.env.NOTES_TOKEN.length }] })
  else process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32601, message: 'no' } }) + '\\n')
})
`
const BUILD = `const fs = require('node:fs')
const { stripTypeScriptTypes } = require('node:module')
fs.mkdirSync('dist', { recursive: true })
fs.writeFileSync('dist/index.js', stripTypeScriptTypes(fs.readFileSync('src/index.ts', 'utf8')))
`
const node = (name: string): Readonly<Record<string, string>> => ({
  'package.json': JSON.stringify({
    name,
    version: '1.0.0',
    private: true,
    type: 'module',
    bin: { [name]: 'dist/index.js' },
    scripts: { build: 'node build.cjs' },
    dependencies: { 'acme-helper': '^1.0.0', '@modelcontextprotocol/sdk': '^1.0.0' },
  }),
  'build.cjs': BUILD,
  'src/index.ts': `${NODE}import '@modelcontextprotocol/sdk/server/mcp.js'\n`,
})

const below = (folder: string, files: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(files).map(([path, text]) => [`${folder}/${path}`, text]))
const library = (name: string, files: Readonly<Record<string, string>>) => ({
  name,
  version: '1.0.0',
  manifest: { type: 'module', exports: { '.': './index.js', './*': './index.js' } },
  files,
})

let npm: NpmRegistry
let github: FakeGithub
let program: Program

beforeAll(async () => {
  npm = await startNpmRegistry([
    library('acme-helper', { 'index.js': `export const word = 'hello'\n` }),
    library('@modelcontextprotocol/sdk', { 'index.js': '' }),
  ])
  github = await startGithub()
  github.publish({
    name: 'acme/notes',
    files: node('notes-mcp'),
    tags: {
      broken: { ...node('notes-mcp'), 'build.cjs': 'console.error("no such compiler"); process.exit(3)' },
    },
  })
  github.publish({
    name: 'acme/servers',
    files: { ...below('servers/mail', node('mail-mcp')), ...below('servers/calendar', node('calendar-mcp')) },
  })
  program = await startProgram({
    env: {
      npm_config_registry: npm.url,
      CATWALK_GITHUB_API_URL: github.url,
    },
  })
})
afterAll(async () => {
  await program[Symbol.asyncDispose]()
  for (const fake of [github, npm]) await fake[Symbol.asyncDispose]()
})

async function json(...words: string[]): Promise<unknown> {
  const { stdout, stderr } = await runCatwalk(program, [...words, '--json'])
  if (stdout === '') throw new Error(stderr)
  return JSON.parse(stdout)
}

test('a repository of Node that is not published is built in the sandbox, tried out, deployed and called', async () => {
  expect(await json('analyze', 'acme/notes')).toMatchObject({
    verdict: 'needs_input',
    launch: {
      package: { registry: 'git', name: 'notes-mcp', version: github.commitOf('acme/notes') },
      command: 'notes-mcp',
      build: { path: '', program: { kind: 'node-executable', name: 'notes-mcp' } },
    },
    proof: { booted: true, neededPlaceholders: ['NOTES_TOKEN'] },
    tools: [{ name: 'speak' }],
  })
  expect(await json('deploy', 'acme/notes', '--env', 'NOTES_TOKEN=12345', '--slug', 'notes')).toMatchObject({
    slug: 'notes',
    state: 'running',
  })
  expect((await runCatwalk(program, ['call', 'notes', 'speak'])).stdout).toContain('hello 5')
})

test('a build that fails is told with what it printed, for exactly the commit that was asked for', async () => {
  const failed = await json('deploy', 'acme/notes#broken', '--env', 'NOTES_TOKEN=123', '--slug', 'broken')
  expect(failed).toMatchObject({ error: 'install_failed', message: expect.stringContaining('build') })
})

test('one server of a repository with several is built in its folder', async () => {
  expect(
    await json('deploy', 'acme/servers', '--server', 'mail-mcp', '--env', 'NOTES_TOKEN=1', '--slug', 'mail'),
  ).toMatchObject({ state: 'running' })
  expect((await runCatwalk(program, ['call', 'mail', 'speak'])).stdout).toContain('hello 1')
})
