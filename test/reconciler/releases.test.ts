import { afterEach, beforeEach, expect, test } from 'vitest'
import type { ParsedInput } from '../../src/contract/index.ts'
import { CatwalkError } from '../../src/domain/index.ts'
import {
  compareReleases,
  createRelease,
  deleteDeployment,
  getDeployment,
  stopDeployment,
} from '../../src/services/index.ts'
import { MANIFEST } from '../fakes/runtime.ts'
import { until } from '../support/until.ts'
import { createWorld, type Node, type World } from './world.ts'

let world: World
let node: Node
let id: string

beforeEach(async () => {
  world = await createWorld()
  node = await world.startNode()
  id = await world.deploy({ API_TOKEN: 'first-value', OTHER: 'other-value' })
  await serves(1)
})
afterEach(async () => {
  await node[Symbol.asyncDispose]()
  await world[Symbol.asyncDispose]()
})

const show = () => getDeployment(world.ctx, { params: { id } })

async function serves(number: number): Promise<void> {
  await until(`v${number} serves`, async () => {
    const { liveRelease, state } = await show()
    return liveRelease === number && state === 'running' ? true : null
  })
}

type Body = ParsedInput<'createRelease'>['body']
const release = (body: Partial<Body>) =>
  createRelease(world.ctx, { params: { id }, body: { variables: {}, ...body } })

/** What the newest instance was given. */
const given = () => {
  const input = node.runtime.started.at(-1)?.input
  return {
    values: Object.fromEntries(
      [...(input?.credentials ?? [])].map(([name, value]) => [name, value.reveal()]),
    ),
    settings: input?.settings,
    args: input?.spec.userArgs ?? [],
    version: input?.spec.package.kind === 'npm' ? input.spec.package.version : null,
  }
}

test('a changed variable makes a release with the new value; the other values stay', async () => {
  await release({ variables: { API_TOKEN: 'second-value' } })
  await serves(2)
  expect(given().values).toEqual({ API_TOKEN: 'second-value', OTHER: 'other-value' })
})

test('a variable can be taken away and another one added', async () => {
  await release({ variables: { OTHER: null, NEW: 'new-value' } })
  await serves(2)
  expect(given().values).toEqual({ API_TOKEN: 'first-value', NEW: 'new-value' })
  const changes = await compareReleases(world.ctx, { params: { id, number: '2' }, query: {} })
  expect(changes).toMatchObject({
    from: 1,
    to: 2,
    variables: { added: ['NEW'], removed: ['OTHER'], changed: [] },
  })
})

test('what serves goes on while the new release is tried, and stays when that fails', async () => {
  node.runtime.onProbe = async () => {
    expect(node.instances.get(id)?.instance.id).toBe(node.runtime.started[0]?.id)
    throw new CatwalkError('server_refused', 'It says no.')
  }
  await release({ memoryMiB: 128 })
  await until('v2 failed', async () => ((await show()).release.error === null ? null : true))
  expect(await show()).toMatchObject({
    state: 'running',
    liveRelease: 1,
    release: { number: 2, state: 'failed' },
  })
  expect(node.instances.get(id)?.releaseId).toBeDefined()
})

test('after a failed release the next one starts from what serves, not from what failed', async () => {
  node.runtime.onProbe = async () => {
    throw new CatwalkError('server_refused', 'It says no.')
  }
  await release({ variables: { API_TOKEN: 'wrong-value' }, args: ['--broken'] })
  await until('v2 failed', async () => ((await show()).release.error === null ? null : true))
  node.runtime.onProbe = async () => MANIFEST
  await release({ memoryMiB: 128 })
  await serves(3)
  expect(given()).toMatchObject({ values: { API_TOKEN: 'first-value' }, args: [] })
})

test('a rollback is a new release with the package, arguments, settings and values of the old one', async () => {
  await release({
    version: '2.0.0',
    args: ['--new'],
    memoryMiB: 128,
    variables: { API_TOKEN: 'second-value' },
  })
  await serves(2)
  expect(given()).toMatchObject({ version: '2.0.0', args: ['--new'], settings: { memoryMiB: 128 } })
  await release({ from: 1 })
  await serves(3)
  expect(given()).toMatchObject({
    version: '1.0.0',
    args: [],
    settings: { memoryMiB: 256 },
    values: { API_TOKEN: 'first-value', OTHER: 'other-value' },
  })
  expect(
    await compareReleases(world.ctx, { params: { id, number: '3' }, query: { since: 1 } }),
  ).toMatchObject({
    package: null,
    args: null,
    settings: [],
    variables: null,
  })
})

test('a tool whose definition changes with a version is named with the member that changed', async () => {
  node.runtime.onProbe = async () => ({
    ...MANIFEST,
    tools: [{ name: 'echo', description: 'Sends it elsewhere.', inputSchema: { type: 'object' } }],
  })
  await release({ version: '2.0.0' })
  await serves(2)
  const changes = await compareReleases(world.ctx, { params: { id, number: '2' }, query: {} })
  expect(changes.tools).toEqual({
    added: [],
    removed: [],
    changed: [{ name: 'echo', members: ['description'] }],
  })
})

test('a release of a stopped deployment starts nothing', async () => {
  await stopDeployment(world.ctx, { params: { id } })
  await release({ memoryMiB: 128 })
  await until('it is stopped', async () => ((await show()).state === 'stopped' ? true : null))
  expect(node.runtime.started).toHaveLength(1)
})

test('a release that would change nothing, of an unknown number, or of a deleted deployment is refused', async () => {
  await expect(release({})).rejects.toMatchObject({ code: 'invalid_request' })
  await expect(release({ version: '1.0.0' })).rejects.toMatchObject({ code: 'invalid_request' })
  await expect(release({ from: 7 })).rejects.toMatchObject({ code: 'release_not_found' })
  await expect(release({ variables: { 'NOT-A-NAME': 'x' } })).rejects.toMatchObject({
    code: 'invalid_variable',
  })
  await expect(compareReleases(world.ctx, { params: { id, number: '1' }, query: {} })).rejects.toMatchObject({
    code: 'release_not_found',
  })
  await node[Symbol.asyncDispose]()
  await deleteDeployment(world.ctx, { params: { id } })
  await expect(release({ memoryMiB: 128 })).rejects.toMatchObject({ code: 'deployment_deleting' })
})
