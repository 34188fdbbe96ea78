import { afterAll, beforeAll, expect, test } from 'vitest'
import { send } from '../bridge/http-client.ts'
import { continueSession, openSession } from '../bridge/session-client.ts'
import { startNpmRegistry } from '../fakes/npm-registry.ts'
import { startProgram, type Program } from '../support/program.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { runCatwalk } from './run-catwalk.ts'
import { WATCHER } from './watcher-package.ts'

const stack = new AsyncDisposableStack()
let program: Program
let dataDir = ''
let env: Record<string, string>
let headers: Record<string, string>
let slug = ''

const start = async () => startProgram({ dataDir, env })
const url = () => `${program.origin}${slug}`

beforeAll(async () => {
  const registry = stack.use(await startNpmRegistry([WATCHER]))
  env = { npm_config_registry: registry.url, npm_config_userconfig: '/nonexistent' }
  dataDir = stack.use(await temporaryDirectory()).path
  program = await start()
  const deploy = ['deploy', 'npm:watcher-mcp', '--wait', '--json']
  const { stdout } = await runCatwalk(program, deploy)
  // Documented in docs/cli.md.
  const { endpoint, token } = JSON.parse(stdout) as { endpoint: string; token: string }
  slug = new URL(endpoint).pathname
  headers = { authorization: `Bearer ${token}` }
})
afterAll(async () => {
  await program[Symbol.asyncDispose]()
  await stack.disposeAsync()
})

test('what a session asked for, and its end, survive kill -9 the moment they are acknowledged', async () => {
  const opened = await openSession(url(), { headers, version: '2025-11-25' })
  const ask = async (method: string, params: object) =>
    (await opened.post({ jsonrpc: '2.0', id: 1, method, params })).messages[0]
  expect(await ask('logging/setLevel', { level: 'error' })).toMatchObject({ result: {} })
  expect(await ask('resources/subscribe', { uri: 'watch://one' })).toMatchObject({ result: {} })
  await program.kill9()

  program = await start()
  const again = continueSession(url(), opened.id, {}, headers)
  expect((await again.text('asked')).split(' ').toSorted()).toEqual(['error', 'watch://one'])
  const stream = await again.listen()
  await again.text('announce')
  expect(await stream.next()).toMatchObject({ params: { uri: 'watch://one' } })
  stream.close()
  expect((await again.end()).status).toBe(200)
  await program.kill9()

  program = await start()
  const ping = '{"jsonrpc":"2.0","id":1,"method":"ping"}'
  const late = await send(url(), 'POST', { ...headers, 'mcp-session-id': opened.id }, ping)
  expect(late.status).toBe(404)
})
