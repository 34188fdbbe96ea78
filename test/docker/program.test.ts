import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { startNpmRegistry } from '../fakes/npm-registry.ts'
import { runCatwalk } from '../program/run-catwalk.ts'
import { until } from '../support/until.ts'
import { startProgram, type Program } from '../support/program.ts'
import { serverPackage, toolsNamed } from '../support/server-package.ts'
import { startEngine, type Engine } from './engine.ts'

// Counts in a file at home, so that a move can be seen to keep it, and says which runtime it is on.
const COUNTER = serverPackage('counting-server', {
  begin: "const fs = require('node:fs')",
  answers: `
  'tools/list': ${toolsNamed('count')},
  'tools/call': () => {
    const before = fs.existsSync('count') ? Number(fs.readFileSync('count', 'utf8')) : 0
    fs.writeFileSync('count', String(before + 1))
    const where = fs.readFileSync('/proc/1/comm', 'utf8').trim() === 'bwrap' ? 'sandbox' : 'container'
    return { content: [{ type: 'text', text: (before + 1) + ' in a ' + where }] }
  },
`,
})

const stack = new AsyncDisposableStack()
let engine: Engine
let program: Program
beforeAll(async () => {
  const registry = stack.use(await startNpmRegistry([COUNTER]))
  engine = stack.use(await startEngine(inject('baseImageFile')))
  program = stack.use(
    await startProgram({
      env: {
        npm_config_registry: registry.url,
        CATWALK_DOCKER_RUNTIME: 'true',
        CATWALK_DOCKER_SOCKET: engine.socketPath,
        CATWALK_DOCKER_IMAGE: engine.image,
      },
    }),
  )
})
afterAll(async () => {
  await stack.disposeAsync()
})

async function catwalk(...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await runCatwalk(program, args)
  expect(stdout + stderr).not.toBe('')
  if (exitCode !== 0) throw new Error(`${args.join(' ')}: ${stdout}${stderr}`)
  return stdout
}

/** What was replaced ends after the other one answers. */
async function areGone(): Promise<void> {
  await until('no container is left', async () =>
    (await engine.docker.listContainers({ all: true })).length === 0 ? true : null,
  )
}

test('a deployment moves between sandbox and containers and keeps its address, its tokens and its data', async () => {
  const deployed = JSON.parse(
    await catwalk('deploy', 'npm:counting-server', '--slug', 'counter', '--runtime', 'docker', '--json'),
  ) as { readonly endpoint: string; readonly token: string }
  expect(await catwalk('call', 'counter', 'count')).toContain('1 in a container')
  expect(await engine.docker.listContainers()).toHaveLength(1)

  await catwalk('release', 'counter', '--runtime', 'local')
  expect(await catwalk('call', 'counter', 'count')).toContain('2 in a sandbox')
  await areGone()

  await catwalk('rollback', 'counter')
  expect(await catwalk('call', 'counter', 'count')).toContain('3 in a container')
  const answer = await fetch(deployed.endpoint, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${deployed.token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
    }),
  })
  expect(answer.status).toBe(200)
  await catwalk('rm', 'counter', '--yes')
  await areGone()
})

test('a runtime that the installation does not have is refused with those that it has', async () => {
  const { exitCode, stdout } = await runCatwalk(program, [
    'deploy',
    'npm:counting-server',
    '--runtime',
    'fly',
    '--json',
  ])
  expect(exitCode).not.toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({
    error: 'runtime_unavailable',
    message: expect.stringContaining('local, docker'),
  })
})

test('the doctor looks at every runtime', async () => {
  const { stdout } = await runCatwalk(program, ['doctor', '--json'])
  const { items } = JSON.parse(stdout) as {
    readonly items: readonly { name: string; level: string; detail: string }[]
  }
  const found = items.find(({ name }) => name === 'runtimes')
  expect(found).toMatchObject({ level: 'ok', detail: expect.stringContaining(engine.image) })
})
