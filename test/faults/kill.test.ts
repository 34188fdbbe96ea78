import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ApiClient } from '../../src/contract/index.ts'
import { connectClient } from '../support/mcp-client.ts'
import { processesMentioning, strayProcesses } from '../support/processes.ts'
import { apiOf, startProgram } from '../support/program.ts'
import { until } from '../support/until.ts'

const SOURCE = 'npm:@modelcontextprotocol/server-memory@2026.8.31'

let dataDir: string

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'catwalk-kill-'))
  await chmod(dataDir, 0o755)
})
afterAll(async () => {
  await rm(dataDir, { recursive: true, force: true })
})

async function isRunning(api: ApiClient, id: string): Promise<void> {
  await until(
    `${id} runs`,
    async () => ((await api.call('getDeployment', { params: { id } })).state === 'running' ? true : null),
    60_000,
  )
}

async function toolsOf(endpoint: string, token: string): Promise<readonly unknown[]> {
  await using client = await connectClient(endpoint, token)
  return (await client.listTools()).tools
}

test.each([
  'release.installing',
  'release.installed',
  'release.starting',
  'release.started',
  'release.probed',
  'release.live',
] as const)(
  'killed at %s of a deployment, the program finishes it after a restart, with the same token',
  async (point) => {
    await using paused = await startProgram({ dataDir, env: { CATWALK_PAUSE_AT: point } })
    const { deployment, token } = await (
      await apiOf(paused)
    ).call('createDeployment', { body: { source: SOURCE, name: point.replace('.', ' ') } })
    await until(
      'the program pauses',
      () => (paused.output().includes(`Paused at ${point}`) ? true : null),
      120_000,
    )
    await paused.kill9()
    expect(await strayProcesses(dataDir)).toEqual([])

    await using program = await startProgram({ dataDir })
    const api = await apiOf(program)
    // What was live already sleeps after a restart, until it is called.
    await until(
      'it runs or sleeps',
      async () => {
        const { state } = await api.call('getDeployment', { params: { id: deployment.id } })
        return state === 'running' || state === 'sleeping' ? true : null
      },
      60_000,
    )
    expect(await toolsOf(`${program.origin}/mcp/${deployment.slug}`, token.secret)).not.toHaveLength(0)
    await api.call('deleteDeployment', { params: { id: deployment.id } })
    await until('it is gone', async () => {
      const { items } = await api.call('listDeployments', {})
      return items.some(({ id }) => id === deployment.id) ? null : true
    })
    await program.stop()
    expect(await strayProcesses(dataDir)).toEqual([])
  },
)

test('killed while running, the program goes on with the same session of the same client after a restart', async () => {
  await using first = await startProgram({ dataDir })
  const api = await apiOf(first)
  const { deployment, token } = await api.call('createDeployment', { body: { source: SOURCE } })
  await isRunning(api, deployment.id)
  await using client = await connectClient(`${first.origin}/mcp/${deployment.slug}`, token.secret)
  const before = await client.listTools()
  await first.kill9()
  expect(await strayProcesses(dataDir)).toEqual([])

  await using second = await startProgram({ dataDir, flags: ['--port', new URL(first.origin).port] })
  expect(await client.listTools()).toEqual(before)
  await second.stop()
  expect(await strayProcesses(dataDir)).toEqual([])
})

test('a server whose process is killed is started again, and the session of its client goes on', async () => {
  await using program = await startProgram({ dataDir })
  const api = await apiOf(program)
  const { deployment, token } = await api.call('createDeployment', {
    body: { source: SOURCE, name: 'victim' },
  })
  await isRunning(api, deployment.id)
  await using client = await connectClient(`${program.origin}/mcp/${deployment.slug}`, token.secret)
  const before = await client.listTools()
  const servers = await processesMentioning(`deployments/${deployment.id}`)
  expect(servers.length).toBeGreaterThan(0)
  for (const line of servers) process.kill(Number.parseInt(line, 10), 'SIGKILL')
  await until('its end is recorded', async () => {
    const { items } = await api.call('listEvents', { params: { id: deployment.id } })
    return items.some(({ kind }) => kind === 'instance.ended') ? true : null
  })
  await isRunning(api, deployment.id)
  expect(await client.listTools()).toEqual(before)
  await api.call('deleteDeployment', { params: { id: deployment.id } })
})

test('killed while a deployment is deleted, the program finishes the deletion after a restart', async () => {
  await using first = await startProgram({ dataDir })
  const { deployment } = await (
    await apiOf(first)
  ).call('createDeployment', { body: { source: SOURCE, name: 'doomed' } })
  await isRunning(await apiOf(first), deployment.id)
  await first.stop()

  await using paused = await startProgram({ dataDir, env: { CATWALK_PAUSE_AT: 'deployment.removing' } })
  await (await apiOf(paused)).call('deleteDeployment', { params: { id: deployment.id } })
  await until('the program pauses', () =>
    paused.output().includes('Paused at deployment.removing') ? true : null,
  )
  await paused.kill9()
  expect(await strayProcesses(dataDir)).toEqual([])

  await using second = await startProgram({ dataDir })
  const api = await apiOf(second)
  await until('it is gone', async () => {
    const { items } = await api.call('listDeployments', {})
    return items.some(({ id }) => id === deployment.id) ? null : true
  })
})
