import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createApiClient, type ApiClient } from '../../src/contract/index.ts'
import { startNpmRegistry, type NpmRegistry } from '../fakes/npm-registry.ts'
import { PACKAGES } from '../program/packages.ts'
import { runCatwalk } from '../program/run-catwalk.ts'
import { startProgram, type Program } from '../support/program.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { until } from '../support/until.ts'

const owned = new AsyncDisposableStack()
let registry: NpmRegistry
let dataDir: string

beforeAll(async () => {
  registry = owned.use(await startNpmRegistry(PACKAGES))
  dataDir = owned.use(await temporaryDirectory()).path
})
afterAll(() => owned.disposeAsync())

async function start(): Promise<{ program: Program; api: ApiClient } & AsyncDisposable> {
  const program = await startProgram({ dataDir, env: { npm_config_registry: registry.url } })
  const apiKey = (await readFile(join(dataDir, 'cli.key'), 'utf8')).trim()
  return {
    program,
    api: createApiClient({ origin: program.origin, apiKey }),
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  }
}

async function json(program: Program, args: readonly string[]): Promise<unknown> {
  const { exitCode, stdout, stderr } = await runCatwalk(program, [...args, '--json'])
  expect([exitCode, stderr]).toEqual([0, expect.any(String)])
  return JSON.parse(stdout)
}

test('calls and time awake are told by API and command line, and what was written outlives kill -9', async () => {
  let awakeHours = 0
  {
    await using running = await start()
    const { program, api } = running
    const { deployment } = await api.call('createDeployment', {
      body: { source: 'npm:noisy-server', slug: 'noisy', confirmWarnings: true },
    })
    const params = { id: deployment.id }
    await until('it runs', async () =>
      (await api.call('getDeployment', { params })).state === 'running' ? true : null,
    )
    for (let call = 0; call < 3; call++) {
      await api.call('callTool', { params, body: { tool: 'secret', arguments: {} } })
    }
    const usage = await until('the calls are counted', async () => {
      const found = await api.call('getUsage', {
        query: { deployment: 'noisy', step: 'minute', since: ago() },
      })
      // The sum is read before the parts, and calls are written in between.
      return found.total.calls >= 3 && found.groups.find(({ label }) => label === 'secret')?.calls === 3
        ? found
        : null
    })
    expect(usage.total.p95Ms).toBeGreaterThan(0)
    expect(await json(program, ['usage', 'noisy', '--since', '1h'])).toMatchObject({
      by: 'tool',
      groups: expect.arrayContaining([expect.objectContaining({ label: 'secret', calls: 3 })]),
    })
    awakeHours = await until(
      'time awake is written',
      async () =>
        (await api.call('getCost', {})).items.find(({ awakeHours: hours }) => hours > 0)?.awakeHours ?? null,
      120_000,
    )
    const found = await runCatwalk(program, ['logs', 'noisy', '--search', 'WELCOME TO', '--download', '-'])
    expect(found.stdout).toMatch(/\tWelcome to the noisy server!\n$/)
    await program.kill9()
  }
  await using again = await start()
  expect(await json(again.program, ['cost', 'noisy'])).toMatchObject({
    items: [
      { runtime: 'local', amount: null, formula: expect.stringContaining('GiB-hours. No price is set') },
    ],
  })
  const { items } = await again.api.call('getCost', { query: { deployment: 'noisy' } })
  expect(items[0]?.awakeHours).toBeGreaterThanOrEqual(awakeHours)
  expect(
    (await again.api.call('getUsage', { query: { deployment: 'noisy' } })).total.calls,
  ).toBeGreaterThanOrEqual(3)
})

test('a deployment beyond the quota is refused by API and command line, which say how much there is', async () => {
  await using running = await start()
  const { program } = running
  expect(await json(program, ['workspace', 'quotas', '--deployments', '1'])).toMatchObject({
    deployments: { limit: 1, own: true },
  })
  const { exitCode, stdout } = await runCatwalk(program, ['deploy', 'npm:good-server', '--yes', '--json'])
  expect(exitCode).not.toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({
    error: 'quota_exceeded',
    message: 'The workspace may have 1 deployment, and has 1.',
  })
})

function ago(): string {
  return new Date(Date.now() - 3_600_000).toISOString()
}
