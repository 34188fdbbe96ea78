import { mkdtemp, chmod, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startGithub } from '../fakes/github.ts'
import { glamaServer, startGlama, startMcpRegistry, type FakeMcpRegistry } from '../fakes/mcp-registry.ts'
import { startNpmRegistry } from '../fakes/npm-registry.ts'
import { startProgram, type Program } from '../support/program.ts'
import { until } from '../support/until.ts'
import { runCatwalk } from './run-catwalk.ts'

const CODE = `#!/usr/bin/env node
import { createInterface } from 'node:readline'
if (process.argv[2] === 'mcp' && !process.env.ACME_TOKEN) { console.error('ACME_TOKEN is missing'); process.exit(1) }
if (process.argv[2] !== 'mcp') { console.error('usage: thing mcp'); process.exit(2) }
const answer = (id, result) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, result }) + '\\n')
const tool = { name: 'issues', description: 'Lists issues.', inputSchema: { type: 'object' } }
createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line)
  if (id === undefined) return
  if (method === 'initialize') return answer(id, { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'thing', version: '1' } })
  if (method === 'tools/list') return answer(id, { tools: [tool] })
  process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32601, message: 'no' } }) + '\\n')
})
`
const NAME = 'io.github.acme/issues'
const manifest = (name: string) => ({
  name,
  version: '1.0.0',
  type: 'module',
  bin: { thing: 'server.js' },
  dependencies: {},
})
const npmPackage = (identifier: string, more = {}) => ({
  registryType: 'npm',
  identifier,
  version: '1.0.0',
  transport: { type: 'stdio' },
  ...more,
})
const entry = (name: string, more: object) => ({
  server: { name: `io.github.acme/${name}`, description: `Does ${name}.`, version: '1.0.0', ...more },
})

const owned = new AsyncDisposableStack()
let registry: FakeMcpRegistry
let program: Program

beforeAll(async () => {
  const npm = owned.use(
    await startNpmRegistry([
      {
        name: 'acme-issues',
        version: '1.0.0',
        manifest: { ...manifest('acme-issues'), mcpName: NAME },
        files: { 'server.js': CODE },
      },
      {
        name: 'acme-foreign',
        version: '1.0.0',
        manifest: manifest('acme-foreign'),
        files: { 'server.js': CODE },
      },
    ]),
  )
  const github = owned.use(await startGithub())
  github.publish({
    name: 'acme/image',
    files: { 'package.json': JSON.stringify(manifest('acme-issues')), 'server.js': CODE },
  })
  registry = owned.use(
    await startMcpRegistry([
      entry('issues', {
        packages: [
          npmPackage('acme-issues', {
            packageArguments: [{ type: 'positional', value: 'mcp' }],
            environmentVariables: [
              { name: 'ACME_TOKEN', description: 'A token.', isRequired: true, isSecret: true },
            ],
          }),
        ],
      }),
      entry('foreign', {
        packages: [npmPackage('acme-foreign')],
        repository: { url: 'https://github.com/acme/foreign', source: 'github' },
      }),
      entry('image', {
        packages: [{ registryType: 'oci', identifier: 'ghcr.io/acme/image:1', transport: { type: 'stdio' } }],
        repository: { url: 'https://github.com/acme/image', source: 'github' },
      }),
      entry('remote', {
        remotes: [
          {
            type: 'streamable-http',
            url: 'https://remote.example/mcp',
            headers: [{ name: 'X-Key', isSecret: true }],
          },
        ],
      }),
    ]),
  )
  const glama = owned.use(await startGlama([glamaServer('acme', 'other')]))
  program = owned.use(
    await startProgram({
      env: {
        npm_config_registry: npm.url,
        CATWALK_GITHUB_API_URL: github.url,
        CATWALK_REGISTRY_URL: registry.url,
        CATWALK_GLAMA_URL: glama.url,
      },
    }),
  )
  await run(program, 'registry', 'sync', '--wait')
})
afterAll(() => owned.disposeAsync())

async function run(of: Program, ...words: string[]) {
  const { exitCode, stdout, stderr } = await runCatwalk(of, [...words, '--json'])
  const text = stdout === '' ? stderr.slice(stderr.indexOf('{')) : stdout
  return { exitCode, document: JSON.parse(text) as Record<string, unknown> }
}
const analyze = async (name: string) =>
  (await run(program, 'analyze', `io.github.acme/${name}`, '--no-model')).document

test('search finds what the registries list, and says what to deploy', async () => {
  const { document } = await run(program, 'registry', 'search', 'issues')
  expect(document).toMatchObject({
    items: [{ name: NAME, source: `registry:${NAME}`, runsFrom: 'package' }],
    registries: [
      { name: 'official', servers: 4, failure: null },
      { name: 'glama', servers: 1, failure: null },
    ],
  })
})

test('an entry is analysed from its package, with what it declares, and deployed by its name', async () => {
  expect(await analyze('issues')).toMatchObject({
    source: { kind: 'registry' },
    verdict: 'needs_input',
    launch: { package: { registry: 'npm', name: 'acme-issues', version: '1.0.0' }, args: ['mcp'] },
    env: [{ name: 'ACME_TOKEN', required: true, secret: true, evidence: [{ reader: 'registry' }] }],
    tools: [{ name: 'issues' }],
    proof: { booted: true },
    warnings: [],
  })
  const missing = await run(program, 'deploy', NAME)
  expect(missing).toMatchObject({ exitCode: expect.any(Number), document: { error: 'missing_variable' } })
  const deployed = await run(program, 'deploy', NAME, '--env', 'ACME_TOKEN=x')
  expect(deployed.exitCode).toBe(0)
  const { document } = await run(program, 'ls')
  expect(document).toMatchObject([{ source: expect.stringContaining(NAME), state: 'running', toolCount: 1 }])
})

test('a package that does not say that it is the server of the entry needs a yes', async () => {
  const { warnings } = await analyze('foreign')
  expect(warnings).toContainEqual(expect.objectContaining({ code: 'provenance_mismatch', confirm: true }))
})

test('in place of an image its repository is analysed, and that is told', async () => {
  const analysis = await analyze('image')
  expect(analysis).toMatchObject({ source: { kind: 'registry', commit: expect.any(String) } })
  expect(analysis['warnings']).toContainEqual(
    expect.objectContaining({ code: 'other_package', confirm: false }),
  )
})

test('what only runs elsewhere is told with its address and what it is to be sent', async () => {
  const { document: analysis } = await run(program, 'analyze', 'io.github.acme/remote', '--no-boot')
  expect(analysis).toMatchObject({
    verdict: 'needs_input',
    launch: {
      package: { registry: 'remote', name: 'https://remote.example/mcp' },
      transport: 'http',
      headers: [{ name: 'X-Key', value: '{X_KEY}' }],
    },
    env: [{ name: 'X_KEY', required: true, secret: true, evidence: [{ reader: 'registry' }] }],
  })
  const { exitCode, document } = await run(program, 'deploy', 'io.github.acme/remote')
  expect(exitCode).not.toBe(0)
  expect(document).toMatchObject({ error: 'missing_variable', details: { missing: ['X_KEY'] } })
})

test('an unknown name is told; one that was published a moment ago is asked for', async () => {
  expect(await analyze('nothing')).toMatchObject({ error: 'source_not_found' })
  registry.publish(entry('fresh', { packages: [npmPackage('acme-issues')] }))
  expect(await analyze('fresh')).toMatchObject({ source: { kind: 'registry' } })
})

test('a program that is killed while it reads a registry goes on where it was', async () => {
  const many = owned.use(
    await startMcpRegistry(
      Array.from({ length: 250 }, (_, number) => entry(`s${String(number).padStart(3, '0')}`, {})),
    ),
  )
  many.interfere((_req, _res, answer) => {
    if (many.requests.length < 3) answer()
  })
  const dataDir = await mkdtemp(join(tmpdir(), 'catwalk-'))
  owned.defer(() => rm(dataDir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }))
  await chmod(dataDir, 0o755)
  const options = { dataDir, env: { CATWALK_REGISTRY_URL: many.url } }
  const first = await startProgram(options)
  await until('the third page', () => (many.requests.length === 3 ? true : null))
  await first.kill9()
  many.interfere(null)
  await using second = await startProgram(options)
  await until('all', async () => {
    const { document } = await run(second, 'registry', 'status')
    const [state] = document['items'] as { servers: number; syncedAt: string | null }[]
    return state !== undefined && state.syncedAt !== null && state.servers === 250 ? true : null
  })
  expect(many.requests.slice(3)).toEqual([many.requests[2]])
})
