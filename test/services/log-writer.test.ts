import { afterAll, beforeAll, expect, test } from 'vitest'
import type { LogLine } from '../../src/domain/index.ts'
import { createLogWriter, listLogs } from '../../src/services/index.ts'
import { createWorld, type World } from '../reconciler/world.ts'
import { silentLogger } from '../support/logger.ts'

let world: World

beforeAll(async () => {
  world = await createWorld()
})
afterAll(async () => {
  await world[Symbol.asyncDispose]()
})

const lineOf = (deploymentId: string, line: string): LogLine => ({
  workspaceId: world.ctx.actor.workspaceId,
  deploymentId,
  releaseId: null,
  stream: 'stdout',
  line,
  at: new Date(),
})

const stored = async (id: string): Promise<string[]> =>
  (await listLogs(world.ctx, { params: { id }, query: { limit: 1000 } })).items.map(({ line }) => line)

test('lines are stored in the order in which they came', async () => {
  const id = await world.deploy()
  await using writer = createLogWriter(world.ctx.db, silentLogger)
  for (let index = 0; index < 100; index++) writer.append(lineOf(id, `line ${index}`))
  await writer.flush()
  expect(await stored(id)).toEqual(Array.from({ length: 100 }, (_, index) => `line ${index}`))
})

test('a server that floods its log is cut, and the log says by how much', async () => {
  const id = await world.deploy()
  await using writer = createLogWriter(world.ctx.db, silentLogger)
  for (let index = 0; index < 2000; index++) writer.append(lineOf(id, 'x'))
  await writer.flush()
  const lines = await stored(id)
  expect(lines).toHaveLength(501)
  expect(lines.at(-1)).toBe('1500 more lines came too fast and were dropped.')
})

test('text that the database cannot hold is made storable, and nothing of the batch is lost', async () => {
  const id = await world.deploy()
  await using writer = createLogWriter(world.ctx.db, silentLogger)
  writer.append(lineOf(id, 'nul \0 and half \ud800'))
  writer.append(lineOf(id, 'x'.repeat(20_000)))
  writer.append(lineOf('dep_00000000000000000000000000', 'of a deployment that is gone'))
  writer.append(lineOf(id, 'last'))
  await writer.flush()
  const lines = await stored(id)
  expect(lines[0]).toBe('nul \u{FFFD} and half \u{FFFD}')
  expect(lines[1]).toHaveLength('x'.repeat(8192).length + '… (20000 characters)'.length)
  expect(lines.at(-1)).toBe('last')
})
