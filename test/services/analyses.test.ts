import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createFakeAnalyzer, anAnalysis, type FakeAnalyzer } from '../fakes/analyzer.ts'
import { untilAborted } from '../fakes/runtime.ts'
import { schemas } from '../../src/contract/index.ts'
import { CatwalkError, systemClock } from '../../src/domain/index.ts'
import * as services from '../../src/services/index.ts'
import { createWorld, type World } from '../reconciler/world.ts'

type Ctx = services.ServiceContext & { lastEventId: string | null }

let world: World
let number = 0
const programEnd = new AbortController()

beforeAll(async () => {
  world = await createWorld()
})
afterEach(() => services.clearAnalyses(world.ctx, { query: {} }))
afterAll(async () => {
  programEnd.abort()
  await world[Symbol.asyncDispose]()
})

/** A context of its own, so that runs of one test are not in the way of another's. */
function context(options: { timeoutMs?: number; signal?: AbortSignal } = {}): {
  ctx: Ctx
  analyzer: FakeAnalyzer
} {
  const { timeoutMs = 10_000, signal = new AbortController().signal } = options
  const analyzer = createFakeAnalyzer()
  const analyses = services.createAnalysisRuns({
    timeoutMs,
    now: () => systemClock.now(),
    signal: programEnd.signal,
  })
  return { analyzer, ctx: { ...world.ctx, analyzer, analyses, signal, lastEventId: null } }
}

const question = (source = `npm:thing-${(number += 1)}`, changes: object = {}) => ({
  body: schemas.CreateAnalysis.parse({ source, ...changes }),
})

describe('an analysis', () => {
  test('is made once for a version, however it is asked for, until it is asked for afresh', async () => {
    const { ctx, analyzer } = context()
    const first = await services.createAnalysis(ctx, question('npm:thing'))
    expect(first).toMatchObject({
      asked: 'npm:thing',
      name: 'Thing',
      slug: 'thing',
      cached: false,
      verdict: 'deployable',
    })
    const again = await services.createAnalysis(ctx, question('npm:thing@1.0.0'))
    expect(again).toMatchObject({ id: first.id, cached: true })
    const fresh = await services.createAnalysis(ctx, question('npm:thing', { fresh: true }))
    expect(fresh.cached).toBe(false)
    expect((await services.createAnalysis(ctx, question('npm:thing'))).id).toBe(fresh.id)
    expect(analyzer.asked).toHaveLength(4)
  })

  test('with and without a trial start are kept apart', async () => {
    const { ctx } = context()
    const { id } = await services.createAnalysis(ctx, question('npm:thing'))
    expect((await services.createAnalysis(ctx, question('npm:thing', { boot: false }))).id).not.toBe(id)
  })

  test('is forgotten by its source, and by that alone', async () => {
    const { ctx } = context()
    await services.createAnalysis(ctx, question('npm:one'))
    await services.createAnalysis(ctx, question('npm:two'))
    expect(await services.clearAnalyses(ctx, { query: { source: 'npm:one' } })).toEqual({ deleted: 1 })
    expect((await services.createAnalysis(ctx, question('npm:two'))).cached).toBe(true)
    expect((await services.createAnalysis(ctx, question('npm:one'))).cached).toBe(false)
  })

  test('text that PostgreSQL cannot store does no harm', async () => {
    const { ctx, analyzer } = context()
    analyzer.onAnalyse = async () => anAnalysis({ tools: [{ name: 'a\0b', description: '\ud800' }] })
    const { id } = await services.createAnalysis(ctx, question())
    const { analysis } = await services.getAnalysis(ctx, { params: { id } })
    expect(analysis?.tools[0]?.name).toBe('a\u{FFFD}b')
  })

  test("is not another workspace's to see", async () => {
    const { ctx } = context()
    const { id } = await services.createAnalysis(ctx, question())
    const stranger = { ...ctx, actor: { ...ctx.actor, workspaceId: 'ws_other' } }
    await expect(services.getAnalysis(stranger, { params: { id } })).rejects.toMatchObject({
      code: 'analysis_not_found',
    })
    await expect(services.streamAnalysis(stranger, { params: { id } })).rejects.toMatchObject({
      code: 'analysis_not_found',
    })
  })

  test('ends at its time limit with its own error', async () => {
    const { ctx, analyzer } = context({ timeoutMs: 50 })
    analyzer.onAnalyse = (_, signal) => untilAborted(signal)
    await expect(services.createAnalysis(ctx, question())).rejects.toMatchObject({ code: 'analysis_timeout' })
  })

  test('ends when its caller leaves', async () => {
    const leaving = new AbortController()
    const { ctx, analyzer } = context({ signal: leaving.signal })
    const ended = Promise.withResolvers<void>()
    analyzer.onAnalyse = async (_, signal) => {
      leaving.abort(new Error('The caller left.'))
      return untilAborted(signal).finally(ended.resolve)
    }
    await expect(services.createAnalysis(ctx, question())).rejects.toThrow('The caller left.')
    await ended.promise
  })

  test('goes on for the second of two callers when the first leaves', async () => {
    const leaving = new AbortController()
    const { ctx, analyzer } = context({ signal: leaving.signal })
    const go = Promise.withResolvers<void>()
    analyzer.onAnalyse = (_, signal) =>
      Promise.race([go.promise.then(() => anAnalysis()), untilAborted(signal)])
    const same = question()
    const first = services.createAnalysis(ctx, same)
    const second = services.createAnalysis({ ...ctx, signal: new AbortController().signal }, same)
    leaving.abort(new Error('The caller left.'))
    await expect(first).rejects.toThrow('The caller left.')
    go.resolve()
    expect((await second).verdict).toBe('deployable')
    expect(analyzer.asked).toHaveLength(1)
  })

  test('is refused while as many as are allowed are under way in the workspace', async () => {
    const { ctx, analyzer } = context()
    const go = Promise.withResolvers<void>()
    analyzer.onAnalyse = () => go.promise.then(() => anAnalysis())
    const running = [question(), question(), question()].map((each) => services.createAnalysis(ctx, each))
    await expect(services.createAnalysis(ctx, question())).rejects.toMatchObject({
      code: 'too_many_analyses',
    })
    go.resolve()
    await Promise.all(running)
    await services.createAnalysis(ctx, question())
  })

  test('an unexpected failure shows nothing of its inside', async () => {
    const { ctx, analyzer } = context()
    analyzer.onAnalyse = () => Promise.reject(new Error('internal path /secret'))
    const { id } = await services.startAnalysis(ctx, question())
    const items = await collect(await services.streamAnalysis(ctx, { params: { id } }))
    expect(items.at(-1)).toMatchObject({ event: 'failed', data: { error: 'internal' } })
    expect(JSON.stringify(items)).not.toContain('/secret')
  })
})

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

describe('the feed of an analysis', () => {
  test('tells each step as it begins and ends, then the analysis, and goes on after what was seen', async () => {
    const { ctx, analyzer } = context()
    analyzer.onAnalyse = async ({ onStep }) => {
      onStep('fetching', 'thing')
      await Promise.resolve()
      onStep('reading', null)
      return anAnalysis()
    }
    const { id, state } = await services.startAnalysis(ctx, question())
    expect(state).toBe('running')
    const items = await collect(await services.streamAnalysis(ctx, { params: { id } }))
    const told = items.map(({ event, data }) =>
      event === 'step' ? `${data.step} ${data.endedAt === null ? 'begins' : 'ends'}` : event,
    )
    expect(told).toEqual(['fetching begins', 'fetching ends', 'reading begins', 'reading ends', 'analysis'])
    const rest = await collect(
      await services.streamAnalysis({ ...ctx, lastEventId: '3' }, { params: { id } }),
    )
    expect(rest.map(({ id: itemId }) => itemId)).toEqual(['4', 'end'])
    expect(await services.getAnalysis(ctx, { params: { id } })).toMatchObject({
      state: 'done',
      analysis: { verdict: 'deployable' },
    })
  })

  test('ends with the error when the source cannot be had', async () => {
    const { ctx, analyzer } = context()
    analyzer.onAnalyse = () =>
      Promise.reject(new CatwalkError('package_not_found', 'There is no such package.'))
    const { id } = await services.startAnalysis(ctx, question())
    const items = await collect(await services.streamAnalysis(ctx, { params: { id } }))
    expect(items).toMatchObject([{ event: 'failed', data: { error: 'package_not_found' } }])
  })
})

describe('a snippet', () => {
  const SNIPPET = JSON.stringify({
    mcpServers: {
      one: {
        command: 'npx',
        args: ['-y', 'thing', '--ro'],
        env: { THING_TOKEN: 'tt_very_secret', URL: '<your url>' },
      },
      two: { command: 'uvx', args: ['other'] },
    },
  })

  test('is analysed as what its chosen server starts, and its values are kept nowhere', async () => {
    const { ctx } = context()
    const found = await services.createAnalysis(ctx, question(SNIPPET))
    expect(found.asked).toBe('npm:thing')
    expect(found.snippet).toEqual({
      server: 'one',
      servers: ['one', 'two'],
      args: ['--ro'],
      env: ['THING_TOKEN'],
    })
    expect(JSON.stringify(found)).not.toContain('secret')
    const rows = await world.ctx.db.selectFrom('analyses').selectAll().execute()
    expect(JSON.stringify(rows)).not.toContain('secret')
    expect((await services.createAnalysis(ctx, question(SNIPPET, { server: 'two' }))).asked).toBe(
      'pypi:other',
    )
  })

  test('is deployed with its arguments and values', async () => {
    const { ctx } = context()
    const { deployment } = await services.createDeployment(ctx, {
      body: schemas.CreateDeployment.parse({ source: SNIPPET }),
    })
    expect(deployment.release.args).toEqual(['--ro'])
    expect(deployment.release.variables).toEqual([
      { name: 'THING_TOKEN', hasValue: true, personal: false, account: null },
    ])
  })
})
