import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bundleManifest, packBundle, serveFiles, type FileServer } from '../support/mcpb.ts'
import { startProgram, type Program } from '../support/program.ts'
import { serverProgram, toolsNamed } from '../support/server-package.ts'
import { runCatwalk } from './run-catwalk.ts'

const SERVER = serverProgram('notes', {
  begin: "if (!process.env.NOTES_TOKEN) { console.error('NOTES_TOKEN is required'); process.exit(1) }",
  answers: `
  'tools/list': ${toolsNamed('speak')},
  'tools/call': () => ({ content: [{ type: 'text', text: require('helper') + ' ' + process.env.NOTES_TOKEN.length + ' ' + process.argv.slice(2).join() }] }),
`,
})

let bundle: Buffer
let files: FileServer
let program: Program

beforeAll(async () => {
  bundle = await packBundle({
    'manifest.json': bundleManifest(
      {
        type: 'node',
        entry_point: 'server/index.js',
        mcp_config: {
          command: 'node',
          args: ['${__dirname}/server/index.js', '${user_config.folders}'],
          env: { NOTES_TOKEN: '${user_config.token}' },
        },
      },
      {
        user_config: {
          token: { type: 'string', title: 'Token', description: 'A token', sensitive: true },
          folders: {
            type: 'directory',
            title: 'Folders',
            description: 'To read',
            multiple: true,
            required: true,
          },
        },
      },
    ),
    'server/index.js': SERVER,
    'node_modules/helper/index.js': 'module.exports = "hello"',
  })
  const uv = bundleManifest({
    type: 'uv',
    entry_point: 'server.py',
    mcp_config: { command: 'uv', args: ['run', 'server.py'] },
  }).replace('"0.3"', '"0.4"')
  files = await serveFiles({
    '/releases/acme-notes.mcpb': bundle,
    '/uv.mcpb': await packBundle({ 'manifest.json': uv, 'server.py': '', 'pyproject.toml': '' }),
  })
  program = await startProgram({ env: { CATWALK_GITHUB_API_URL: files.url } })
})
afterAll(async () => {
  await program[Symbol.asyncDispose]()
  await files[Symbol.asyncDispose]()
})

async function json(...words: string[]): Promise<unknown> {
  const { stdout, stderr } = await runCatwalk(program, [...words, '--json'])
  if (stdout === '') throw new Error(stderr)
  return JSON.parse(stdout)
}

test('a bundle is analysed by its address, tried out, deployed as that very file, and called', async () => {
  const address = `${files.url}/releases/acme-notes.mcpb`
  const sha256 = createHash('sha256').update(bundle).digest('hex')
  expect(await json('analyze', address)).toMatchObject({
    source: { kind: 'mcpb', url: `${address}#sha256=${sha256}` },
    verdict: 'needs_input',
    launch: { package: { registry: 'mcpb', name: 'acme-notes', version: '1.2.3' } },
    env: [
      { name: 'folders', required: true },
      // The manifest calls it optional. The server does not start without it.
      { name: 'NOTES_TOKEN', required: true, secret: true },
    ],
    proof: { booted: true, neededPlaceholders: ['NOTES_TOKEN'] },
    tools: [{ name: 'speak' }],
  })
  expect(await json('deploy', address, '--slug', 'missing')).toMatchObject({ error: 'missing_variable' })
  const values = ['--env', 'NOTES_TOKEN=12345', '--env', 'folders=["/a","/b"]']
  expect(await json('deploy', address, ...values, '--slug', 'notes')).toMatchObject({ state: 'running' })
  expect((await runCatwalk(program, ['call', 'notes', 'speak'])).stdout).toContain('hello 5 /a,/b')
  const { stdout } = await runCatwalk(program, ['export', 'notes'])
  expect(JSON.parse(stdout)).toMatchObject({
    source: `mcpb:${address}#sha256=${sha256}`,
    launch: { package: { kind: 'mcpb', url: address, sha256, name: 'acme-notes', version: '1.2.3' } },
  })
})

test('a bundle that leaves its dependencies to uv is refused, with what to do instead', async () => {
  const found = await json('analyze', `${files.url}/uv.mcpb`)
  expect(found).toMatchObject({ verdict: 'unsupported', reason: expect.stringContaining('uv') })
  expect(await json('deploy', `${files.url}/uv.mcpb`)).toMatchObject({ error: 'source_not_deployable' })
})
