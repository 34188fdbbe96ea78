import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { Handlers, RequestContext, StreamOf } from '../../src/api/index.ts'
import { CatwalkError } from '../../src/domain/index.ts'
import { handlersWith, recordingLogger, serveApi, signedInAs } from './support.ts'

type Item = StreamOf<'streamFeed'>

function log(id: number, line = 'x'): Item {
  const at = '2026-01-01T00:00:00Z'
  return {
    id: `l${id}`,
    event: 'log',
    data: { id: String(id), at, stream: 'stdout', line, releaseId: null, instanceId: null },
  }
}

function feed(source: (context: RequestContext) => AsyncIterable<Item>): { handlers: Handlers } {
  return { handlers: handlersWith({ streamFeed: (context) => Promise.resolve(source(context)) }) }
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort')
}

/** Yields nothing until it is told to end. */
async function* silence({ signal }: RequestContext): AsyncGenerator<Item> {
  await untilAborted(signal)
  yield* []
}

async function open(
  origin: string,
  headers: Record<string, string> = {},
  signal?: AbortSignal,
): Promise<Response> {
  return fetch(`${origin}/api/v1/deployments/x/feed`, { headers, ...(signal ? { signal } : {}) })
}

/** Reads until the text contains `end`. */
async function readUntil(response: Response, end: string): Promise<string> {
  let text = ''
  for await (const part of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += part
    if (text.includes(end)) break
  }
  return text
}

describe('a stream', () => {
  test('sends items as they come, with id, event and data on one line', async () => {
    await using server = await serveApi({
      signedIn: signedInAs('viewer'),
      ...feed(async function* () {
        yield log(1, 'first\nwith a line break')
        yield { id: 'd', event: 'deleted', data: { id: 'dep_1' } }
      }),
    })
    const response = await open(server.origin)
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    expect(response.headers.get('x-accel-buffering')).toBe('no')
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(await response.text()).toBe(
      'retry: 1000\n\n' +
        'id: l1\nevent: log\ndata: {"id":"1","at":"2026-01-01T00:00:00Z","stream":"stdout","line":"first\\nwith a line break","releaseId":null,"instanceId":null}\n\n' +
        'id: d\nevent: deleted\ndata: {"id":"dep_1"}\n\n',
    )
  })

  test('tells the source what the caller has seen already', async () => {
    const seen: (string | null)[] = []
    await using server = await serveApi({
      signedIn: signedInAs('viewer'),
      ...feed(async function* (context) {
        seen.push(context.lastEventId)
        yield log(8)
      }),
    })
    for (const id of [undefined, 'l7', 'with space', 'a'.repeat(300)]) {
      await (await open(server.origin, id === undefined ? {} : { 'last-event-id': id })).text()
    }
    expect(seen).toEqual([null, 'l7', null, null])
  })

  test('opens at once, also when there is nothing to say yet', async () => {
    await using server = await serveApi({
      signedIn: signedInAs('viewer'),
      ...feed(silence),
    })
    const leave = new AbortController()
    const response = await open(server.origin, {}, leave.signal)
    expect(response.status).toBe(200)
    leave.abort()
  })

  test('stays alive by comments while the source is silent', async () => {
    await using server = await serveApi({
      keepAliveMs: 20,
      signedIn: signedInAs('viewer'),
      ...feed(silence),
    })
    const response = await open(server.origin)
    expect(await readUntil(response, ': still here\n\n: still here\n\n')).toContain('still here')
  })

  test('ends the source when the caller leaves', async () => {
    const ended = Promise.withResolvers<string>()
    await using server = await serveApi({
      signedIn: signedInAs('viewer'),
      ...feed(async function* (context) {
        try {
          yield log(1)
          await untilAborted(context.signal)
        } finally {
          ended.resolve('ended')
        }
      }),
    })
    const leave = new AbortController()
    const response = await open(server.origin, {}, leave.signal)
    await readUntil(response, 'l1')
    leave.abort()
    expect(await ended.promise).toBe('ended')
  })

  test('ends cleanly when the program stops, even if the source does not listen', async () => {
    const stop = new AbortController()
    await using server = await serveApi({
      signal: stop.signal,
      signedIn: signedInAs('viewer'),
      ...feed(async function* () {
        yield log(1)
        await new Promise(() => undefined)
      }),
    })
    const response = await open(server.origin)
    stop.abort()
    expect(await response.text()).toContain('l1')
  })

  test('ends when its caller is signed out meanwhile', async () => {
    let asked = 0
    const authenticate = () => {
      asked += 1
      return Promise.resolve(asked < 3 ? signedInAs('viewer') : null)
    }
    await using server = await serveApi({
      keepAliveMs: 10,
      auth: { authenticate, handler: () => Promise.reject(new Error('unused')) },
      ...feed(async function* () {
        for (let id = 1; ; id += 1) {
          yield log(id)
          await delay(1)
        }
      }),
    })
    await (await open(server.origin)).text()
    expect(asked).toBe(3)
  })

  test('ends at once, not at the next pause, when access was lost or the role is too low by now', async () => {
    const listeners = new Set<() => void>()
    const doubt = () => listeners.forEach((listener) => listener())
    let role: 'member' | 'viewer' = 'member'
    await using server = await serveApi({
      keepAliveMs: 3_600_000,
      onAccessChange: (listener) => {
        listeners.add(listener)
        return () => void listeners.delete(listener)
      },
      auth: {
        authenticate: () => Promise.resolve(signedInAs(role)),
        handler: () => Promise.reject(new Error('unused')),
      },
      handlers: handlersWith({
        streamAnalysis: async function ({ signal }) {
          return (async function* () {
            await untilAborted(signal)
            yield* []
          })()
        },
      }),
    })
    const response = await fetch(`${server.origin}/api/v1/analyses/x/feed`)
    expect(response.status).toBe(200)
    // Somebody else lost something: this one goes on.
    doubt()
    role = 'viewer'
    doubt()
    expect(await response.text()).toContain('retry:')
    expect(listeners.size).toBe(0)
  })

  test('a slow caller slows the source instead of filling memory', async () => {
    let produced = 0
    await using server = await serveApi({
      signedIn: signedInAs('viewer'),
      ...feed(async function* () {
        for (; produced < 2000; produced += 1) yield log(produced, 'x'.repeat(100_000))
      }),
    })
    const leave = new AbortController()
    const response = await open(server.origin, {}, leave.signal)
    // 200 MB would be due; what the sockets and the client's own buffer hold is a fraction of it.
    await expect.poll(() => produced, { interval: 50 }).toBeGreaterThan(0)
    let before = -1
    while (before !== produced) {
      before = produced
      await delay(200)
    }
    expect(produced).toBeLessThan(1000)
    expect(response.status).toBe(200)
    leave.abort()
  })

  test('that cannot begin is an ordinary error', async () => {
    const handlers = handlersWith({
      streamFeed: () => Promise.reject(new CatwalkError('deployment_not_found', 'There is none.')),
    })
    await using server = await serveApi({ signedIn: signedInAs('viewer'), handlers })
    const response = await open(server.origin)
    expect(response.status).toBe(404)
    expect(await response.json()).toMatchObject({ error: 'deployment_not_found' })
  })

  test('whose source fails ends, and the cause is in the log only', async () => {
    const logger = recordingLogger()
    await using server = await serveApi({
      logger,
      signedIn: signedInAs('viewer'),
      ...feed(async function* () {
        yield log(1)
        await Promise.reject(new Error('hunter2'))
      }),
    })
    const text = await (await open(server.origin)).text()
    expect(text).toContain('l1')
    expect(text).not.toContain('hunter2')
    expect(logger.entries).toMatchObject([{ level: 'error', fields: { err: { message: 'hunter2' } } }])
  })
})
