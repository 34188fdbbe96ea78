import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest'
import type { ApiClient } from '../../src/contract/index.ts'
import { startNpmRegistry } from '../fakes/npm-registry.ts'
import { SELF } from '../faults/self-package.ts'
import { connectClient } from '../support/mcp-client.ts'
import { strayProcesses } from '../support/processes.ts'
import { apiOf, startProgram, type Program } from '../support/program.ts'
import { until } from '../support/until.ts'
import { startEngine, type Engine } from './engine.ts'

vi.setConfig({ testTimeout: 300_000 })

const AWAY_MS = 60_000
/** More than the reconciler works on at once, so that one who is waited for would be seen to hold up others. */
const SERVED = ['one', 'two', 'three', 'four', 'five', 'six']
const stack = new AsyncDisposableStack()
let engine: Engine
let program: Program
let api: ApiClient
beforeAll(async () => {
  const registry = stack.use(await startNpmRegistry([SELF]))
  engine = stack.use(await startEngine(inject('baseImageFile')))
  program = stack.use(
    await startProgram({
      env: {
        npm_config_registry: registry.url,
        npm_config_userconfig: '/nonexistent',
        CATWALK_DOCKER_RUNTIME: 'true',
        CATWALK_DOCKER_SOCKET: engine.socketPath,
        CATWALK_DOCKER_IMAGE: engine.image,
        // They call for a minute without a pause.
        CATWALK_TOKEN_REQUESTS_PER_MINUTE: '0',
        CATWALK_ADDRESS_REQUESTS_PER_MINUTE: '0',
      },
    }),
  )
  api = await apiOf(program)
})
afterAll(async () => {
  await stack.disposeAsync()
})

interface Deployed {
  readonly id: string
  readonly endpoint: string
  readonly token: string
}

async function deploy(name: string, runtime: 'docker' | 'local'): Promise<Deployed> {
  const { deployment, token } = await api.call('createDeployment', {
    body: { source: 'npm:self-mcp', network: 'none', name, runtime, confirmWarnings: true },
  })
  return { id: deployment.id, endpoint: `${program.origin}/mcp/${deployment.slug}`, token: token.secret }
}

/** Which process answers a new session. */
async function who({ endpoint, token }: Deployed): Promise<string> {
  await using client = await connectClient(endpoint, token)
  const { content } = (await client.callTool({ name: 'whoami' })) as { content: { text: string }[] }
  return content[0]?.text ?? ''
}

async function answers(deployed: Deployed): Promise<string> {
  return until('it answers', async () => who(deployed).catch(() => null), 120_000)
}

/** What somebody is told who calls. @throws when there is a result */
async function refusalOf(deployed: Deployed): Promise<string> {
  const answer: unknown = await who(deployed).catch((error: unknown) => error)
  if (answer instanceof Error) return answer.message
  throw new Error(`there is an answer: ${String(answer)}`)
}

const releasesOf = async (id: string) =>
  (await api.call('listReleases', { params: { id } })).items.map(({ number, state }) => `${number} ${state}`)

async function containers(): Promise<readonly string[]> {
  return (await engine.docker.listContainers({ all: true })).map(({ State: state }) => state)
}

test('while the engine is away for a minute servers in the sandbox go on and calls to containers are told so; what was asked for comes about after, once', async () => {
  const here = await deploy('here', 'local')
  const [changed, removed, ...others] = await Promise.all(SERVED.map(async (name) => deploy(name, 'docker')))
  if (changed === undefined || removed === undefined || others[0] === undefined) throw new Error('none')
  const self = await answers(here)
  const former = new Set(await Promise.all([changed, removed, ...others].map(answers)))
  expect(former.size).toBe(SERVED.length)
  await until('each has a container', async () =>
    (await containers()).length === SERVED.length ? true : null,
  )

  await engine.kill9()
  const backAt = performance.now() + AWAY_MS
  await api.call('createRelease', { params: { id: changed.id }, body: { memoryMiB: 320 } })
  await api.call('deleteDeployment', { params: { id: removed.id } })
  const late = await deploy('late', 'docker')
  const alsoHere = await deploy('also here', 'local')
  const other = await answers(alsoHere)
  const refusals: string[] = []
  let calls = 0
  while (performance.now() < backAt) {
    expect(await who(here)).toBe(self)
    expect(await who(alsoHere)).toBe(other)
    calls++
    refusals.push(await refusalOf(others[0]))
  }
  expect(calls).toBeGreaterThan(2)
  expect(refusals).toContainEqual(expect.stringContaining('docker does not answer'))
  expect(await releasesOf(changed.id)).not.toContain('2 failed')
  expect(await releasesOf(late.id)).not.toContain('1 failed')

  await engine.start()
  const after = await Promise.all([changed, late, ...others].map(answers))
  expect(after.filter((process) => former.has(process))).toEqual([])
  await until(
    'the release is live',
    async () => ((await releasesOf(changed.id)).includes('2 live') ? true : null),
    60_000,
  )
  expect(await releasesOf(late.id)).toEqual(['1 live'])
  expect(await releasesOf(changed.id)).toHaveLength(2)
  const running = SERVED.map(() => 'running')
  await until(
    'each has one container, and no other is left',
    async () => ((await containers()).join() === running.join() ? true : null),
    60_000,
  )
  expect(await who(here)).toBe(self)

  for (const { id } of [changed, late, ...others, here, alsoHere])
    await api.call('deleteDeployment', { params: { id } })
  await until('no container is left', async () => ((await containers()).length === 0 ? true : null), 60_000)
  await program.stop()
  expect(await strayProcesses(program.dataDir)).toEqual([])
})
