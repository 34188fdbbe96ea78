import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer as createHttpServer } from 'node:http'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { readLocalInstallation } from '../../src/cli/index.ts'
import { startFakeApi } from '../fakes/api.ts'
import { run } from './run.ts'

const handlers = { listDeployments: () => ({ items: [] }) }

async function dataDirWith(
  files: Readonly<Record<string, string>>,
): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'catwalk-cli-'))
  for (const [name, text] of Object.entries(files)) await writeFile(join(path, name), text)
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) }
}

const locate = (given: string | undefined) => readLocalInstallation(given ?? '/nowhere')

test('the server of this machine is found by its data directory', async () => {
  await using api = await startFakeApi({ handlers })
  const program = JSON.stringify({ origin: api.origin, pid: process.pid })
  await using dataDir = await dataDirWith({ 'cli.key': `${api.apiKey}\n`, 'run.json': program })
  expect((await run(null, ['ls', '--data-dir', dataDir.path], { programs: { locate } })).code).toBe(0)
})

test('a server that does not run any more is not asked, even when another program has its port', async () => {
  await using api = await startFakeApi({ handlers })
  // No process has a number this high.
  const program = JSON.stringify({ origin: api.origin, pid: 2 ** 30 })
  await using dataDir = await dataDirWith({ 'cli.key': api.apiKey, 'run.json': program })
  expect(await readLocalInstallation(dataDir.path)).toMatchObject({ origin: null })
})

test.each(['', '{"origin":', '[]', '{"origin": 3, "pid": 1}', 'null'])(
  'a run file of %j counts as none',
  async (text) => {
    await using dataDir = await dataDirWith({ 'run.json': text })
    expect(await readLocalInstallation(dataDir.path)).toEqual({
      dataDir: dataDir.path,
      apiKey: null,
      origin: null,
    })
  },
)

test('when Catwalk does not run, the exit code is 5 and the message says how to start it', async () => {
  const { code, stderr } = await run(null, ['ls'])
  expect(code).toBe(5)
  expect(stderr).toContain('not running here (data directory /data)')
  expect(stderr).toContain('bin/catwalk serve')
})

test('a port where nobody listens is exit code 5', async () => {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const port = portOf(probe)
  probe.close()
  await once(probe, 'close')
  const env = { CATWALK_URL: `http://127.0.0.1:${port}`, CATWALK_API_KEY: 'k' }
  const { code, stderr } = await run(null, ['ls'], { env })
  expect(code).toBe(5)
  expect(stderr).toContain('ECONNREFUSED')
})

test('a named server gets the given key, never that of this machine', async () => {
  await using api = await startFakeApi({ handlers })
  expect((await run(api, ['ls', '--url', api.origin])).code).toBe(4)
  expect(api.requests).toEqual([])
  const flags = ['ls', '--url', `${api.origin}/`, '--api-key', api.apiKey]
  expect((await run(api, flags)).code).toBe(0)
  const env = { CATWALK_URL: api.origin, CATWALK_API_KEY: 'wrong' }
  expect((await run(api, ['ls'], { env })).code).toBe(4)
})

test.each(['localhost:7420', 'ftp://x', 'nonsense'])('%s is no address of a server', async (url) => {
  expect((await run(null, ['ls', '--url', url, '--api-key', 'k'])).code).toBe(2)
})

test.each([
  [200, '<!doctype html>', 'not what this version expects'],
  [200, '{"items": [{}]}', 'not what this version expects'],
  [502, 'Bad gateway', 'status 502'],
])(
  'an answer of another program (%i, %s) is exit code 1 and says what to check',
  async (status, body, message) => {
    const server = createHttpServer((_, res) => res.writeHead(status).end(body)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const flags = ['ls', '--url', `http://127.0.0.1:${portOf(server)}`, '--api-key', 'k']
    const { code, stderr } = await run(null, flags)
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
    expect(code).toBe(1)
    expect(stderr).toContain('Error (internal)')
    expect(stderr).toContain(message)
    expect(stderr).toContain('Check that the address is that of a Catwalk server')
  },
)

function portOf(server: Server): number {
  // A TCP server's address is never a path.
  return (server.address() as AddressInfo).port
}
