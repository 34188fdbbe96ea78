import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { startNpmRegistry, type NpmRegistry } from '../fakes/npm-registry.ts'
import { startProgram, type Program } from '../support/program.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { until } from '../support/until.ts'
import { PACKAGES } from '../cli/packages.ts'
import type { Ran } from '../cli/run.ts'

const LAUNCHER = fileURLToPath(new URL('../../bin/catwalk', import.meta.url))
const PROBE_TIMEOUT_S = 4

// Each step starts processes of its own, and some install packages.
vi.setConfig({ testTimeout: 120_000 })

let registry: NpmRegistry
let program: Program

beforeAll(async () => {
  registry = await startNpmRegistry(PACKAGES)
  program = await startProgram({
    env: {
      npm_config_registry: registry.url,
      npm_config_userconfig: '/nonexistent',
      CATWALK_PROBE_TIMEOUT_S: String(PROBE_TIMEOUT_S),
    },
  })
})

afterAll(async () => {
  await program[Symbol.asyncDispose]()
  await registry[Symbol.asyncDispose]()
})

/** The command line as a person starts it, finding the program through its data directory. */
async function catwalk(words: readonly string[], stdin = ''): Promise<Ran> {
  return new Promise((resolve) => {
    const args = [LAUNCHER, ...words, '--data-dir', program.dataDir]
    const child = execFile(process.execPath, args, { timeout: 90_000 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1
      resolve({ code, stdout, stderr })
    })
    child.stdin?.end(stdin)
  })
}

async function json<T>(words: readonly string[]): Promise<T> {
  const { stdout } = await catwalk([...words, '--json'])
  // Each caller names the part of the documented answer that it looks at.
  return JSON.parse(stdout) as T
}

describe('the way of one deployment', () => {
  let endpoint = ''
  let token = ''

  test('deploy waits until it runs, and tells where', async () => {
    const args = ['deploy', 'npm:echo-mcp', '--env', 'ECHO_KEY=-', '--arg', '--verbose', '--json', '--wait']
    const { code, stdout, stderr } = await catwalk(args, 'sesame\n')
    expect(stderr).toMatch(
      /Installing +[\d.]+ s\nStarting…\nStarting +[\d.]+ s\nProbing…\nProbing +[\d.]+ s\n$/,
    )
    expect(code).toBe(0)
    const deployed = JSON.parse(stdout) as Record<string, string>
    expect(deployed).toMatchObject({ slug: 'echo', state: 'running', endpoint: `${program.origin}/mcp/echo` })
    expect(Object.keys(deployed).toSorted()).toEqual(['endpoint', 'id', 'slug', 'state', 'token'])
    ;({ endpoint = '', token = '' } = deployed)
  })

  test('a stock client connects with what deploy printed', async () => {
    const headers = { Authorization: `Bearer ${token}` }
    const client = new Client({ name: 'test', version: '1.0.0' })
    await client.connect(new StreamableHTTPClientTransport(new URL(endpoint), { requestInit: { headers } }))
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['echo', 'started', 'fail'])
    await client.close()
  })

  test('ls, show, tools and logs tell of it, and nothing tells the secret', async () => {
    const list = await catwalk(['ls'])
    expect(list.stdout).toMatch(/^echo\trunning\t3\t.*npm:echo-mcp@1\.0\.0/)
    const shown = await catwalk(['show', 'echo'])
    expect(shown.stdout).toContain('ECHO_KEY')
    expect((await catwalk(['tools', 'echo'])).stdout).toContain('echo\tenabled\tSays it again.\n')
    const logs = async () => (await catwalk(['logs', 'echo'])).stdout
    await expect.poll(logs, { timeout: 5000 }).toMatch(/\tstderr\techo server started\n/)
    expect(list.stdout + shown.stdout + (await logs())).not.toContain('sesame')
  })

  test('call passes arguments and settings through', async () => {
    expect(await catwalk(['call', 'echo', 'echo', '-'], '{"message":"hello"}')).toMatchObject({
      code: 0,
      stdout: 'hello\n',
    })
    const { stdout } = await catwalk(['call', 'echo', 'started'])
    expect(JSON.parse(stdout)).toEqual({ args: ['--verbose'], key: 'sesame' })
    expect(await catwalk(['call', 'echo', 'fail'])).toMatchObject({ code: 8, stdout: 'It went wrong.\n' })
    expect((await catwalk(['call', 'echo', 'nothing'])).code).toBe(1)
  })

  test('a token that was added opens the endpoint until it is revoked', async () => {
    const { stdout } = await catwalk(['token', 'add', 'echo', '--name', 'second'])
    const ping = async () => {
      const response = await fetch(endpoint, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${stdout.trim()}`,
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
        },
        body: JSON.stringify({
          jsonrpc: '2.0',
          id: 1,
          method: 'initialize',
          params: {
            protocolVersion: '2025-06-18',
            capabilities: {},
            clientInfo: { name: 't', version: '1' },
          },
        }),
      })
      await response.body?.cancel()
      return response.status
    }
    expect(await ping()).toBe(200)
    expect((await catwalk(['token', 'revoke', 'echo', 'second'])).code).toBe(0)
    await expect.poll(ping, { timeout: 5000 }).toBe(401)
    const tokens = await json<{ name: string }[]>(['token', 'ls', 'echo'])
    expect(tokens.map(({ name }) => name)).toEqual(['first'])
  })

  test('restart --wait waits for the new instance', async () => {
    const starts = async () =>
      (await catwalk(['logs', 'echo'])).stdout.match(/echo server started/g)?.length ?? 0
    const before = await starts()
    const ran = await catwalk(['restart', 'echo', '--wait'])
    expect(ran).toMatchObject({ code: 0, stdout: 'echo is running.\n' })
    // Lines are written down in batches, a moment after they were printed.
    await expect.poll(starts, { timeout: 5000 }).toBe(before + 1)
  })

  test('a stopped deployment answers no calls, and does again after start', async () => {
    expect((await catwalk(['stop', 'echo', '--wait'])).stdout).toBe('echo is stopped.\n')
    const refused = await json<{ error: string }>(['call', 'echo', 'echo'])
    expect(refused.error).toBe('deployment_not_running')
    expect((await catwalk(['start', 'echo', '--wait'])).stdout).toBe('echo is running.\n')
    expect((await catwalk(['call', 'echo', 'echo', '{"message":"again"}'])).stdout).toBe('again\n')
  })

  test('rm deletes it', async () => {
    expect((await catwalk(['rm', 'echo'])).code).toBe(2)
    expect(await catwalk(['rm', 'echo', '--yes', '--wait'])).toMatchObject({
      code: 0,
      stdout: 'echo is deleted.\n',
    })
    expect(await json(['ls'])).toEqual([])
    expect((await catwalk(['show', 'echo'])).code).toBe(3)
  })
})

test.each([
  ['something that is no source', 'github.com/x', 2, 'invalid_source'],
  ['a name with a command in it', 'npm:@evil/pkg; curl x', 2, 'invalid_package'],
  ['a package that does not exist', 'npm:no-such-package', 3, 'package_not_found'],
  ['a version that does not exist', 'npm:echo-mcp@9.9.9', 3, 'version_not_found'],
  ['a package without an executable', 'npm:library', 1, 'no_executable'],
])('%s is refused with its own code', async (_, source, code, error) => {
  const ran = await catwalk(['deploy', source, '--json'])
  expect(ran.code).toBe(code)
  expect(JSON.parse(ran.stdout)).toMatchObject({ error, help: expect.stringMatching(/./) as unknown })
})

test.concurrent.each([
  ['that ends at once', 'needs-key-mcp', 'server_exited', 3, 'API_KEY is required'],
  ['that never answers', 'silent-mcp', 'server_silent', null, null],
  ['that prints rubbish', 'rubbish-mcp', 'server_not_mcp', null, null],
])(
  'a server %s fails the deployment, which keeps what is known of it',
  async (_, name, error, exitCode, line) => {
    const ran = await catwalk(['deploy', `npm:${name}`, '--yes'])
    expect(ran).toMatchObject({ code: 6, stdout: '' })
    expect(ran.stderr).toContain(`Error (${error}):`)
    const shown = await json<{
      state: string
      release: { error: { exitCode: number | null; lastLines: { line: string }[] } }
    }>(['show', name.replace('-mcp', '')])
    expect(shown.state).toBe('failed')
    if (exitCode === null) return
    expect(shown.release.error.exitCode).toBe(exitCode)
    expect(shown.release.error.lastLines.map((last) => last.line).join('\n')).toContain(line)
    expect(ran.stderr).not.toContain('\u001B')
  },
)

test('setup-link makes a link for this installation', async () => {
  const { stdout } = await catwalk(['setup-link'])
  expect(stdout).toMatch(new RegExp(`^${program.origin}/setup#token=\\S+\n$`))
})

/** Makes the owner account and signs in; returns a cookie. */
async function owner(): Promise<string> {
  const token = new URL((await catwalk(['setup-link'])).stdout).hash.replace('#token=', '')
  const person = { token, name: 'Ada', email: 'ada@example.com', password: 'correct horse battery' }
  const response = await post('/setup', person)
  expect(response.status).toBe(201)
  return response.headers
    .getSetCookie()
    .map((cookie) => cookie.split(';')[0])
    .join('; ')
}

async function post(path: string, body: unknown, cookie = ''): Promise<Response> {
  return fetch(`${program.origin}/api/v1${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: program.origin, cookie },
    body: JSON.stringify(body),
  })
}

// The last: from here on there is an owner.
test('login waits for somebody to approve its code, and logout makes its key worthless', async () => {
  await using home = await temporaryDirectory()
  const cookie = await owner()
  const env = { ...process.env, XDG_CONFIG_HOME: home.path }
  const catwalkAs = (...words: string[]) => spawnCatwalk(words, env)
  const login = catwalkAs('login', program.origin, '--name', 'test')
  const code = await login.says(/Code: ([A-Z]{4}-[A-Z]{4})/)
  expect((await post(`/device-logins/${code}`, { approve: true, role: 'viewer' }, cookie)).status).toBe(204)
  expect(await login.ended).toBe(0)
  const kept = await readFile(join(home.path, 'catwalk', 'logins.json'), 'utf8')
  const key = /cwk_[\w-]+/.exec(kept)?.[0] ?? ''
  const me = () => fetch(`${program.origin}/api/v1/me`, { headers: { authorization: `Bearer ${key}` } })
  expect(await (await me()).json()).toMatchObject({ role: 'viewer', apiKey: { name: 'test' } })
  expect(await catwalkAs('ls').ended).toBe(0)
  expect(await catwalkAs('logout').ended).toBe(0)
  expect((await me()).status).toBe(401)
})

function spawnCatwalk(words: readonly string[], env: NodeJS.ProcessEnv) {
  const child = spawn(process.execPath, [LAUNCHER, ...words], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text))
  }
  const ended = once(child, 'exit').then(([code]: unknown[]) => code)
  return {
    ended,
    says: (pattern: RegExp) =>
      until(`the command says ${pattern.source}`, () => pattern.exec(output)?.[1] ?? null),
  }
}
