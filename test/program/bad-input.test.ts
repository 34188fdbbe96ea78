import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ApiError, createApiClient, type ApiClient, type RouteOutput } from '../../src/contract/index.ts'
import { describeError, docsPath, ERROR_CODES } from '../../src/domain/index.ts'
import { startNpmRegistry, type NpmRegistry } from '../fakes/npm-registry.ts'
import { startProgram, type Program } from '../support/program.ts'
import { until } from '../support/until.ts'
import { runCatwalk } from './run-catwalk.ts'
import { PACKAGES } from './packages.ts'

let registry: NpmRegistry
let program: Program
let api: ApiClient

beforeAll(async () => {
  registry = await startNpmRegistry(PACKAGES)
  program = await startProgram({
    env: { npm_config_registry: registry.url, CATWALK_PROBE_TIMEOUT_S: '5' },
  })
  const apiKey = (await readFile(join(program.dataDir, 'cli.key'), 'utf8')).trim()
  api = createApiClient({ origin: program.origin, apiKey })
})
afterAll(async () => {
  await program[Symbol.asyncDispose]()
  await registry[Symbol.asyncDispose]()
})

type Deployment = RouteOutput<'getDeployment'>

async function settled(source: string, variables: Record<string, string> = {}): Promise<Deployment> {
  const { deployment } = await api.call('createDeployment', {
    body: { source, variables, confirmWarnings: true },
  })
  return until(`${source} is running or failed`, async () => {
    const now = await api.call('getDeployment', { params: { id: deployment.id } })
    return now.state === 'deploying' ? null : now
  })
}

test.for([
  ['npm:no-such-package-anywhere', 'package_not_found'],
  ['npm:good-server@9.9.9', 'version_not_found'],
  ['npm:@evil/pkg; curl x', 'invalid_package'],
  ['npm:../../etc/passwd', 'invalid_package'],
  ['npm:just-a-library', 'no_executable'],
  ['ftp://example.com/x', 'invalid_source'],
  ['oci:127.0.0.1:9/example/server', 'source_refused'],
] as const)(
  '%s is refused before anything is stored, as %s, by API and command line alike',
  async ([source, code]) => {
    const before = await api.call('listDeployments', {})
    const refusal = await api.call('createDeployment', { body: { source } }).catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(ApiError)
    const { body } = refusal as ApiError
    expect(body.error).toBe(code)
    expect(body.help).not.toBe('')
    expect(body.docs).toBe(docsPath(code))
    expect(await api.call('listDeployments', {})).toEqual(before)

    const plain = await runCatwalk(program, ['deploy', source])
    expect(plain.exitCode).not.toBe(0)
    expect(plain.stderr).toContain(code)
    const json = await runCatwalk(program, ['deploy', source, '--json'])
    expect(JSON.parse(json.stdout)).toMatchObject({ error: code })
  },
)

test.for([
  ['npm:quits-at-once', 'server_exited', 'cannot find my configuration'],
  ['npm:wants-a-key', 'missing_variable', 'ACME_API_KEY environment variable is required'],
  ['npm:says-nothing', 'server_silent', ''],
  ['npm:talks-rubbish', 'server_not_mcp', '<html>this is not MCP</html>'],
] as const)('%s fails as %s and keeps its last output', async ([source, code, output]) => {
  const { state, release } = await settled(source)
  expect(state).toBe('failed')
  expect(release.error?.error).toBe(code)
  expect(release.error?.help).not.toBe('')
  const lines = release.error?.lastLines.map(({ line }) => line) ?? []
  expect(lines.join('\n')).toContain(output)
})

test('a server that ended says with which exit code', async () => {
  const { release } = await settled('npm:quits-at-once')
  expect(release.error?.exitCode).toBe(4)
})

test('the variable that a server misses is named, and with it the server runs', async () => {
  const missing = await settled('npm:wants-a-key')
  expect(missing.release.error?.message).toContain('ACME_API_KEY')
  expect((await settled('npm:wants-a-key', { ACME_API_KEY: 'some-secret-key' })).state).toBe('running')
})

test('a server that prints a banner on stdout runs, and the banner is in its log', async () => {
  const { id, state } = await settled('npm:noisy-server')
  expect(state).toBe('running')
  const logs = await until('the banner is stored', async () => {
    const { items } = await api.call('listLogs', { params: { id } })
    return items.some(({ line }) => line.includes('Welcome to the noisy server!')) ? items : null
  })
  expect(logs.every(({ line }) => !line.includes('\0'))).toBe(true)
})

test('a credential that a server prints is not in its stored log', async () => {
  const { id } = await settled('npm:prints-its-key', { ACME_API_KEY: 'some-secret-key' })
  const line = await until('the line is stored', async () => {
    const { items } = await api.call('listLogs', { params: { id } })
    return items.find((item) => item.line.startsWith('my key is'))?.line ?? null
  })
  expect(line).toBe('my key is [redacted ACME_API_KEY]')
  expect(program.output()).not.toContain('some-secret-key')
})

test.for([
  [{ 'A B': 'x' }, 'invalid_variable'],
  [{ LD_PRELOAD: '/evil.so' }, 'invalid_variable'],
  [{ NODE_OPTIONS: '--require /evil.js' }, 'invalid_variable'],
  [{ API_KEY: '' }, 'missing_variable'],
] as const)('variables %j are refused as %s', async ([variables, code]) => {
  const refusal = api.call('createDeployment', { body: { source: 'npm:good-server', variables } })
  await expect(refusal).rejects.toMatchObject({ body: { error: code } })
})

test('a call in flight when the server dies gets an error, and the next one is answered by a new process', async () => {
  const { id } = await settled('npm:good-server')
  const crash = api.call('callTool', { params: { id }, body: { tool: 'crash' } })
  await expect(crash).rejects.toThrow(/server/)
  const result = await api.call('callTool', { params: { id }, body: { tool: 'secret' } })
  expect(result.content).toEqual([{ type: 'text', text: 'ok' }])
})

test('every error code that a user can meet has its section in the troubleshooting page', async () => {
  const page = await (await fetch(`${program.origin}/docs/troubleshooting`)).text()
  for (const code of ERROR_CODES) {
    expect(page).toContain(`id="${code.replaceAll('_', '-')}"`)
    expect(describeError(code).help).not.toBe('')
  }
})
