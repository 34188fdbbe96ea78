import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { RpcError, type Endpoint, type RequestReport } from '../../src/domain/index.ts'
import type { BridgeLimits } from '../../src/bridge/index.ts'
import { open, send } from '../bridge/http-client.ts'
import { callTool, stream } from '../bridge/modern-client.ts'
import { openSession, textOf, toolCall } from '../bridge/session-client.ts'
import { catwalkErrorOf } from '../support/errors.ts'
import { until } from '../support/until.ts'

/** An endpoint whose bridge runs the fixture `raw-server`, wherever it does. */
export interface EndpointUnderTest extends AsyncDisposable {
  readonly endpoint: Endpoint
  /** Processes of the server that were started so far, where that can be known. */
  readonly launches: (() => number) | null
}

export type StartEndpoint = (limits: Partial<BridgeLimits>) => Promise<EndpointUnderTest>

interface Subject {
  readonly url: string
  readonly endpoint: Endpoint
  readonly launches: (() => number) | null
  readonly reports: RequestReport[]
}

const CALLER = { subject: 'someone/ünusual', requestId: 'req_1' }
const soon = (): AbortSignal => AbortSignal.timeout(10_000)

/** What every endpoint does, wherever its bridge is. */
export function endpointContract(name: string, startEndpoint: StartEndpoint): void {
  describe(`the endpoint contract ${name}`, () => {
    const stack: AsyncDisposableStack[] = []
    afterEach(async () => {
      await stack.pop()?.disposeAsync()
    })

    async function start(limits: Partial<BridgeLimits> = {}): Promise<Subject> {
      const owned = new AsyncDisposableStack()
      stack.push(owned)
      const { endpoint, launches } = owned.use(await startEndpoint(limits))
      const reports: RequestReport[] = []
      const door = createServer((req, res) => {
        const subject = String(req.headers['x-subject'] ?? CALLER.subject)
        endpoint.handle(req, res, { ...CALLER, subject, report: (report) => reports.push(report) })
      })
      const { promise, resolve } = Promise.withResolvers<void>()
      door.listen(0, '127.0.0.1', resolve)
      await promise
      owned.defer(() => {
        door.closeAllConnections()
        door.close()
      })
      // A server that listens on TCP has an address with a port.
      const url = `http://127.0.0.1:${(door.address() as AddressInfo).port}/mcp`
      return { url, endpoint, launches, reports }
    }

    test('sessions, ids to the letter, batches and empty answers pass', async () => {
      const { url } = await start()
      const session = await openSession(url, { version: '2025-03-26' })
      const id = '12345678901234567890123'
      const raw = `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"echo","arguments":{"text":"é"}}}`
      const answer = await session.post(raw)
      expect(answer.text).toContain(`"id":${id}`)
      expect(answer.headers['content-type']).toBe('application/json')
      expect(answer.headers['x-request-id']).toBe('req_1')
      expect((await session.post([toolCall(1, 'echo'), toolCall('2', 'echo')])).messages).toHaveLength(2)
      expect((await session.post({ jsonrpc: '2.0', method: 'notifications/x' })).status).toBe(202)
      expect((await session.end()).status).toBe(200)
      expect((await session.post(toolCall(1, 'echo'))).status).toBe(404)
    })

    test('a session belongs to its subject', async () => {
      const { url } = await start()
      const session = await openSession(url)
      expect((await session.post(toolCall(1, 'echo'), { 'x-subject': 'thief' })).status).toBe(404)
    })

    test('what is wrong with a request is told in the same words', async () => {
      const { url } = await start()
      const session = await openSession(url)
      const statuses = await Promise.all(
        [
          send(url, 'POST', session.headers, '{"jsonrpc":"2.0",'),
          send(url, 'POST', { ...session.headers, 'content-type': 'text/plain' }, '{}'),
          send(url, 'POST', { ...session.headers, accept: 'text/html' }, '{}'),
          send(url, 'PUT', session.headers, '{}'),
          send(url, 'POST', {}, '{"jsonrpc":"2.0","id":1,"method":"ping"}'),
        ].map(async (answer) => (await answer).status),
      )
      expect(statuses).toEqual([400, 415, 406, 405, 400])
    })

    test('a stream comes piece by piece, and the stream of a session outlives the calls', async () => {
      const { url } = await start()
      const session = await openSession(url)
      const listening = await session.listen()
      const answer = await session.post(toolCall(1, 'progress', { count: 50 }, { progressToken: 'p' }))
      expect(answer.headers['content-type']).toBe('text/event-stream')
      expect(answer.headers['x-accel-buffering']).toBe('no')
      expect(answer.messages).toHaveLength(51)
      await session.text('changed')
      expect((await listening.next()).method).toBe('notifications/tools/list_changed')
      await session.text('changed')
      expect((await listening.next()).method).toBe('notifications/tools/list_changed')
      listening.close()
    })

    test('8 MiB pass in both directions', async () => {
      const { url } = await start()
      const session = await openSession(url)
      const text = 'x'.repeat(8 * 1024 * 1024)
      expect(await session.text('echo', { text })).toBe(text)
    })

    test('a slow reader holds the server back', { timeout: 120_000 }, async () => {
      const { url } = await start({ slowStreamBytes: 100_000, streamBufferBytes: 100_000 })
      const [session, other] = await Promise.all([openSession(url), openSession(url)])
      const count = 150_000
      const body = JSON.stringify(toolCall(1, 'progress', { count }, { progressToken: 'slow' }))
      const res = await open(url, 'POST', session.headers, body).response
      res.pause()
      const behind = other.text('echo', { text: 'behind' })
      const first = await Promise.race([
        behind,
        new Promise((resolve) => setTimeout(resolve, 700, 'held back')),
      ])
      expect(first).toBe('held back')
      let seen = 0
      for await (const part of res.setEncoding('utf8'))
        seen += String(part).split('"progressToken"').length - 1
      // A piece may end within the word.
      expect(seen).toBeGreaterThan(count * 0.99)
      expect(await behind).toBe('behind')
    })

    test('a caller that vanishes is noticed, and what it was to get waits for it', async () => {
      const { url, launches } = await start({ keepAliveMs: 20 })
      const session = await openSession(url, { version: '2025-11-25' })
      const call = await session.stream(toolCall('long', 'sleep', { ms: 400, text: 'kept' }))
      const lastEventId = await until('the priming event', () => call.lastEventId() ?? null)
      call.close()
      const resumed = await session.listen({ 'last-event-id': lastEventId })
      expect(textOf(await resumed.next())).toBe('kept')
      await resumed.ended
      expect(launches?.() ?? 1).toBe(1)
    })

    test('a caller of the modern era that goes away cancels its call', async () => {
      const { url } = await start({ keepAliveMs: 20 })
      // The sign of life that begins the answer comes once the server has the call.
      const call = await stream(url, 'tools/call', { name: 'sleep', arguments: { ms: 60_000 } })
      call.close()
      const heard = await until('the server hears of it', async () => {
        const seen = textOf(await callTool(url, 'seen'))
        return seen.includes('notifications/cancelled') ? seen : null
      })
      expect(heard).toContain('notifications/cancelled')
    })

    test('a crash answers who waits', async () => {
      const { url } = await start()
      const session = await openSession(url)
      const waiting = session.call('sleep', { ms: 60_000 })
      await session.post(toolCall(9, 'crash'))
      expect((await waiting).error?.data).toMatchObject({ error: 'server_exited' })
    })

    test('requests of our own get results, errors of the server and errors of ours', async () => {
      const { endpoint } = await start()
      const { content } = await endpoint.request(
        'tools/call',
        { name: 'echo', arguments: { text: 'ours' } },
        CALLER,
        soon(),
      )
      expect(content).toEqual([{ type: 'text', text: 'ours' }])
      const failed = endpoint.request('no/such', {}, CALLER, soon()).catch((error: unknown) => error)
      expect(await failed).toBeInstanceOf(RpcError)
      expect(await failed).toMatchObject({ rpcCode: -32601, message: 'Method not found' })
      const slow = endpoint.request(
        'tools/call',
        { name: 'sleep', arguments: { ms: 60_000 } },
        CALLER,
        AbortSignal.timeout(100),
      )
      expect((await catwalkErrorOf(slow)).code).toBe('server_silent')
    })

    test('a probe returns every page of every list', async () => {
      const { endpoint } = await start()
      const manifest = await endpoint.probe(soon())
      expect(manifest.serverInfo).toMatchObject({ name: 'raw' })
      expect(manifest.tools.map((tool) => tool['name'])).toContain('echo')
      expect(manifest.instructions).toBe('Mind the edges.')
    })
  })
}
