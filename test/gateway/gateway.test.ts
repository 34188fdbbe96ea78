import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import {
  CatwalkError,
  createAddressReader,
  type CallRecord,
  type Endpoint,
  type EndpointDirectory,
} from '../../src/domain/index.ts'
import {
  createGateway,
  createRouteTable,
  type Gateway,
  type GatewayCall,
  type GatewayLimits,
  type GatewayRoute,
  type RouteTable,
} from '../../src/gateway/index.ts'
import { fixture, startBridge } from '../bridge/bridge-server.ts'
import { open, send, type Headers } from '../bridge/http-client.ts'
import { openSession } from '../bridge/session-client.ts'
import { silentLogger } from '../support/logger.ts'
import { until } from '../support/until.ts'

const SECRET = 'cat_0123456789abcdef'
const NOW = new Date('2026-01-01T00:00:00Z')

interface Door {
  readonly url: (slug: string) => string
  readonly gateway: Gateway
  readonly routes: RouteTable
  readonly calls: GatewayCall[]
  readonly records: CallRecord[]
  set time(value: Date)
}

const opened: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of opened.splice(0)) await close()
})

function route(changes: Partial<GatewayRoute> = {}): GatewayRoute {
  return {
    deploymentId: 'dep_1',
    workspaceId: 'ws_1',
    slug: 'notes',
    state: 'open',
    tokens: new Map([[createHash('sha256').update(SECRET).digest('hex'), { id: 'tok_1', expiresAt: null }]]),
    ...changes,
  }
}

/** An endpoint that says who called, and reads the whole request. */
const ECHO: Endpoint = {
  handle(req, res, caller) {
    req.resume().on('end', () => {
      res.writeHead(200, [
        'content-type',
        'application/json',
        'content-length',
        '2',
        'x-subject',
        caller.subject,
      ])
      res.end('{}')
    })
  },
  request: () => Promise.reject(new Error('not asked')),
  probe: () => Promise.reject(new Error('not asked')),
}
/** Says what it was asked, as bridges do. */
const REPORTING: Endpoint = {
  ...ECHO,
  handle(req, res, caller) {
    caller.report?.({ method: 'tools/call', name: 'echo', outcome: 'tool_error', durationMs: 5 })
    ECHO.handle(req, res, caller)
  },
}
const READY: EndpointDirectory = { ready: () => ECHO, wake: () => Promise.resolve(ECHO) }

const FREE: GatewayLimits = {
  tokenPerMinute: 0,
  addressPerMinute: 0,
  refusedPerMinute: 0,
  tokenConcurrency: 100,
  deploymentConcurrency: 100,
  workspacePerMinute: 0,
  workspaceConcurrency: 0,
}

async function openDoor(
  directory: EndpointDirectory,
  routes: readonly GatewayRoute[] = [route()],
  limits: Partial<GatewayLimits> = {},
): Promise<Door> {
  const calls: GatewayCall[] = []
  const records: CallRecord[] = []
  const clock = { now: () => time }
  let time = NOW
  const table = createRouteTable({ elapsedMs: () => time.getTime(), staleAfterMs: 60_000 })
  table.replaceAll(routes)
  const gateway = createGateway({
    routes: table,
    directory,
    publicUrl: 'https://catwalk.example',
    openAccessToken: () => undefined,
    allowedHosts: ['catwalk.example', '127.0.0.1'],
    allowedOrigins: ['https://everywhere.example'],
    maxMessageBytes: 1000,
    limits: { ...FREE, ...limits },
    addressOf: createAddressReader(['loopback']),
    logger: silentLogger,
    onCall: (call) => calls.push(call),
    onRequest: (call) => records.push(call),
    clock,
  })
  const server = createServer((req, res) => gateway.handle(req, res))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  // A server that listens on TCP has an address with a port.
  const { port } = server.address() as AddressInfo
  const url = (slug: string) => `http://127.0.0.1:${port}/mcp/${slug}`
  const door: Door = {
    url,
    gateway,
    routes: table,
    calls,
    records,
    set time(value: Date) {
      time = value
    },
  }
  opened.push(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  return door
}

const withoutRequestId = (text: string) => text.replace(/req_\w+/, '')
const bearer = (secret = SECRET): Headers => ({ authorization: `Bearer ${secret}` })
const post = (door: Door, headers: Headers = bearer(), slug = 'notes', body = '{}') =>
  send(door.url(slug), 'POST', headers, body)

describe('who is let in', () => {
  test('a public endpoint lets everybody in, counted by address, and names who shows a token', async () => {
    const door = await openDoor(READY, [route({ access: 'public' })], { tokenPerMinute: 2 })
    const nobody = (address: string) => post(door, { 'x-forwarded-for': address })
    const first = await nobody('192.0.2.1')
    expect([first.status, first.headers['x-subject']]).toEqual([200, 'anybody'])
    expect((await post(door, { ...bearer('wrong'), 'x-forwarded-for': '192.0.2.1' })).status).toBe(200)
    expect((await nobody('192.0.2.1')).status).toBe(429)
    expect((await nobody('192.0.2.2')).status).toBe(200)
    expect((await post(door)).headers['x-subject']).toBe('tok_1')
  })

  test('an endpoint where callers sign in takes no endpoint token', async () => {
    const door = await openDoor(READY, [route({ access: 'oauth' })])
    expect((await post(door)).status).toBe(401)
  })

  test('a call with the right token reaches the endpoint, in the name of the token', async () => {
    const door = await openDoor(READY)
    const answer = await post(door)
    expect([answer.status, answer.headers['x-subject']]).toEqual([200, 'tok_1'])
    expect((await post(door, { authorization: `bearer ${SECRET}` })).status).toBe(200)
    expect((await send(`${door.url('notes')}?x=1`, 'POST', bearer(), '{}')).status).toBe(200)
  })

  test('no token, a wrong one, and an endpoint that does not exist look the same', async () => {
    const door = await openDoor(READY)
    const wrong = await post(door, bearer('cat_wrong'))
    const unknown = await post(door, bearer(), 'unknown')
    expect(wrong.status).toBe(401)
    expect(wrong.headers['www-authenticate']).toBe('Bearer error="invalid_token"')
    expect(wrong.headers['x-content-type-options']).toBe('nosniff')
    expect(wrong.messages[0]).toMatchObject({ error: { data: { error: 'unauthenticated' } } })
    expect([unknown.status, withoutRequestId(unknown.text)]).toEqual([401, withoutRequestId(wrong.text)])
    const none = await post(door, {})
    expect([none.status, none.headers['www-authenticate']]).toEqual([401, 'Bearer'])
    for (const authorization of ['', 'Bearer', 'Bearer ', `Basic ${SECRET}`, SECRET, `Bearer ${SECRET}x`]) {
      expect((await post(door, { authorization })).status).toBe(401)
    }
    for (const slug of ['__proto__', 'constructor', 'notes/see', 'notes/sse/sse', 'notes/', 'Notes', '']) {
      expect((await post(door, bearer(), slug)).status).toBe(401)
    }
  })

  test('a token does not fit another deployment, nor outlive its expiry or its revocation', async () => {
    const other = createHash('sha256').update('cat_other').digest('hex')
    const expiresAt = new Date(NOW.getTime() + 1000)
    const door = await openDoor(READY, [
      route(),
      route({ deploymentId: 'dep_2', slug: 'mail', tokens: new Map([[other, { id: 'tok_2', expiresAt }]]) }),
    ])
    expect((await post(door, bearer(), 'mail')).status).toBe(401)
    expect((await post(door, bearer('cat_other'), 'mail')).status).toBe(200)
    door.time = expiresAt
    expect((await post(door, bearer('cat_other'), 'mail')).status).toBe(401)
    door.routes.put(route({ tokens: new Map() }))
    expect((await post(door)).status).toBe(401)
  })

  test('a foreign Host is refused, whatever the token', async () => {
    const door = await openDoor(READY)
    expect((await post(door, { ...bearer(), host: 'evil.example' })).status).toBe(403)
    expect((await post(door, { ...bearer(), host: 'catwalk.example:8443' })).status).toBe(200)
  })

  test.for([
    ['https://evil.example', 403],
    ['null', 403],
    ['http://catwalk.example.evil', 403],
    ['https://catwalk.example', 200],
    ['http://localhost:6274', 200],
    ['https://everywhere.example', 200],
    ['https://here.example', 200],
  ] as const)('a page of %s is answered with %i', async ([origin, status]) => {
    const door = await openDoor(READY, [route({ allowedOrigins: ['https://here.example'] })])
    const answer = await post(door, { ...bearer(), origin })
    expect(answer.status).toBe(status)
    expect(answer.headers['access-control-allow-origin']).toBe(status === 200 ? origin : undefined)
  })

  test('a browser may send every header of MCP and read the session id', async () => {
    const door = await openDoor(READY)
    const origin = 'http://localhost:6274'
    const preflight = await send(door.url('notes'), 'OPTIONS', {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization, mcp-param-x, Mcp-Session-Id, x-other, content-type',
    })
    expect(preflight.status).toBe(204)
    expect(preflight.headers['access-control-allow-headers']).toBe(
      'authorization, mcp-param-x, mcp-session-id, content-type',
    )
    expect(preflight.headers['access-control-allow-methods']).toContain('DELETE')
    const answer = await post(door, { ...bearer(), origin })
    expect(answer.headers['access-control-expose-headers']).toContain('Mcp-Session-Id')
    expect(answer.headers['access-control-expose-headers']).toContain('WWW-Authenticate')
    expect(answer.headers['vary']).toBe('Origin')
  })

  test('a body that is announced to be too large is refused before it is read', async () => {
    const door = await openDoor(READY)
    expect((await post(door, bearer(), 'notes', 'x'.repeat(1001))).status).toBe(413)
    expect((await post(door, bearer(), 'notes', 'x'.repeat(1000))).status).toBe(200)
  })
})

describe('what state the deployment is in', () => {
  test.for([
    ['stopped', 'deployment_not_running'],
    ['failed', 'deployment_not_running'],
    ['deploying', 'unavailable'],
  ] as const)('a deployment that is %s answers %s with 503', async ([state, error]) => {
    const door = await openDoor(READY, [route({ state })])
    const answer = await post(door)
    expect(answer.status).toBe(503)
    expect(answer.messages[0]).toMatchObject({ id: null, error: { code: -32000, data: { error } } })
    expect(answer.messages[0]?.error?.data?.['help']).toEqual(expect.any(String))
  })

  test('a call that comes before the table has heard that the deployment is open is let through', async () => {
    const door = await openDoor(READY, [route({ state: 'deploying' })])
    const onChange = door.routes.onChange.bind(door.routes)
    const waits = Promise.withResolvers<void>()
    door.routes.onChange = (listener) => {
      waits.resolve()
      return onChange(listener)
    }
    const answer = post(door)
    await waits.promise
    // Another deployment's change opens nothing.
    door.routes.put(route({ deploymentId: 'dep_other', slug: 'other' }))
    door.routes.put(route({ state: 'open' }))
    expect((await answer).status).toBe(200)
  })

  test('calls wait for an instance that has to be started, body and all', async () => {
    const start = Promise.withResolvers<Endpoint>()
    const bothWait = Promise.withResolvers<void>()
    let wakes = 0
    const door = await openDoor({
      ready: () => undefined,
      wake() {
        if (++wakes === 2) bothWait.resolve()
        return start.promise
      },
    })
    const answers = [post(door), post(door)]
    await bothWait.promise
    start.resolve(ECHO)
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200])
  })

  test('an instance that does not start is reported with its own words', async () => {
    const error = new CatwalkError('unavailable', 'The server did not come up within 30 s.')
    const door = await openDoor({ ready: () => undefined, wake: () => Promise.reject(error) })
    const answer = await post(door)
    expect(answer.status).toBe(503)
    expect(answer.headers['retry-after']).toBe('5')
    expect(answer.messages[0]?.error?.message).toBe(error.message)
  })

  test('an internal failure is not shown to the caller', async () => {
    const door = await openDoor({
      ready: () => undefined,
      wake: () => Promise.reject(new Error('secret detail')),
    })
    const answer = await post(door)
    expect(answer.text).not.toContain('secret detail')
    expect(answer.messages[0]).toMatchObject({ error: { data: { error: 'internal' } } })
  })

  test('a caller that goes away while it waits ends its waiting', async () => {
    const given = Promise.withResolvers<AbortSignal>()
    const door = await openDoor({
      ready: () => undefined,
      wake(_id, signal) {
        given.resolve(signal)
        return new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new Error('aborted')))
        })
      },
    })
    const { request } = open(door.url('notes'), 'POST', bearer(), '{}')
    const signal = await given.promise
    request.destroy()
    await once(signal, 'abort')
    expect(signal.aborted).toBe(true)
  })

  test('a table that has been cut off for too long is not trusted, until it is loaded again', async () => {
    const door = await openDoor(READY)
    door.time = new Date(NOW.getTime() + 10_000)
    door.routes.confirm()
    door.time = new Date(NOW.getTime() + 70_000)
    expect((await post(door)).status).toBe(200)
    door.time = new Date(NOW.getTime() + 70_001)
    expect((await post(door)).status).toBe(503)
    door.routes.replaceAll([route()])
    expect((await post(door)).status).toBe(200)
  })
})

const from = (address: string) => ({ ...bearer(), 'x-forwarded-for': address })
const statuses = async (calls: readonly Promise<{ status: number }>[]) =>
  (await Promise.all(calls)).map(({ status }) => status)

describe('limits', () => {
  test('who calls too often with a token is told how long to wait, in the words of JSON-RPC', async () => {
    const door = await openDoor(READY, undefined, { tokenPerMinute: 3 })
    expect(await statuses([post(door), post(door), post(door)])).toEqual([200, 200, 200])
    const answer = await post(door)
    expect([answer.status, answer.headers['retry-after']]).toEqual([429, '20'])
    expect(answer.headers['content-type']).toBe('application/json')
    expect(answer.messages[0]).toMatchObject({
      jsonrpc: '2.0',
      id: null,
      error: { code: -32000, data: { error: 'rate_limited' } },
    })
    expect(door.calls.at(-1)).toMatchObject({ tokenId: 'tok_1', outcome: 'limited' })
  })

  test('a token that is held to less may call as often as that, and no token more than every one may', async () => {
    const hash = createHash('sha256').update(SECRET).digest('hex')
    const held = (callsPerMinute: number | null, concurrentCalls: number | null = null) =>
      route({
        tokens: new Map([
          [hash, { id: 'tok_1', expiresAt: null, quotas: { callsPerMinute, concurrentCalls } }],
        ]),
      })
    const door = await openDoor(READY, [held(2)], { tokenPerMinute: 3 })
    expect(await statuses([post(door), post(door)])).toEqual([200, 200])
    const third = await post(door)
    expect([third.status, third.headers['retry-after']]).toEqual([429, '30'])
    // Heard of while it waits: its next token comes sooner.
    door.routes.put(held(null))
    expect((await post(door)).headers['retry-after']).toBe('20')
    const generous = await openDoor(READY, [held(1000)], { tokenPerMinute: 3 })
    const four = [post(generous), post(generous), post(generous), post(generous)]
    expect(await statuses(four)).toEqual([200, 200, 200, 429])
    const free = await openDoor(READY, [held(1)], { tokenPerMinute: 0 })
    expect(await statuses([post(free), post(free)])).toEqual([200, 429])
  })

  test('a token that is held to one call at once has one under way', async () => {
    const hash = createHash('sha256').update(SECRET).digest('hex')
    const quotas = { callsPerMinute: null, concurrentCalls: 1 }
    const held = route({ tokens: new Map([[hash, { id: 'tok_1', expiresAt: null, quotas }]]) })
    const entered = Promise.withResolvers<() => void>()
    const slow: Endpoint = {
      ...ECHO,
      handle: (req, res, caller) => entered.resolve(() => ECHO.handle(req, res, caller)),
    }
    const door = await openDoor({ ready: () => slow, wake: () => Promise.resolve(slow) }, [held])
    const first = post(door)
    const answer = await entered.promise
    const second = await post(door)
    expect([second.status, second.headers['retry-after']]).toEqual([429, '1'])
    answer()
    expect((await first).status).toBe(200)
  })

  test('addresses are counted behind trusted proxies, each for itself', async () => {
    const door = await openDoor(READY, undefined, { addressPerMinute: 1 })
    const one = await post(door, from('192.0.2.1'))
    const again = await post(door, from('192.0.2.1'))
    const other = await post(door, from('192.0.2.2'))
    expect([one.status, again.status, other.status]).toEqual([200, 429, 200])
    expect(again.headers['retry-after']).toBe('60')
  })

  test('who tries tokens is slowed down; a right one from the same address is let in', async () => {
    const door = await openDoor(READY, undefined, { refusedPerMinute: 2 })
    const wrong = () => post(door, bearer('cat_wrong'))
    expect([await wrong(), await wrong(), await wrong()].map(({ status }) => status)).toEqual([401, 401, 429])
    expect((await post(door)).status).toBe(200)
  })

  test.for([
    ['token', { tokenConcurrency: 2 }],
    ['deployment', { deploymentConcurrency: 2 }],
    ['workspace', { workspaceConcurrency: 2 }],
  ] as const)('a %s has so many calls under way and no more, until one of them ends', async ([, limits]) => {
    const waiting: (() => void)[] = []
    const both = Promise.withResolvers<void>()
    const slow: Endpoint = {
      ...ECHO,
      handle(req, res, caller) {
        waiting.push(() => ECHO.handle(req, res, caller))
        if (waiting.length === 2) both.resolve()
      },
    }
    const door = await openDoor({ ready: () => slow, wake: () => Promise.resolve(slow) }, undefined, limits)
    const first = post(door)
    const { request: second, response } = open(door.url('notes'), 'POST', bearer(), '{}')
    response.catch(() => undefined)
    await both.promise
    const third = await post(door)
    expect([third.status, third.headers['retry-after']]).toEqual([429, '1'])
    second.destroy()
    waiting[0]?.()
    expect((await first).status).toBe(200)
    await until('the vanished caller is noticed', () => (door.calls.length === 3 ? true : null))
    const fourth = post(door)
    await until('it came through', () => (waiting.length === 3 ? true : null))
    waiting[2]?.()
    expect((await fourth).status).toBe(200)
  })

  test('all endpoints of a workspace share its calls a minute; its own quota counts from its next call on', async () => {
    const routes = [
      route(),
      route({ deploymentId: 'dep_2', slug: 'other' }),
      route({ deploymentId: 'dep_3', slug: 'elsewhere', workspaceId: 'ws_2' }),
    ]
    const door = await openDoor(READY, routes, { workspacePerMinute: 2 })
    const call = (slug: string) => post(door, bearer(), slug)
    expect(await statuses([call('notes'), call('other')])).toEqual([200, 200])
    const third = await call('notes')
    expect([third.status, third.headers['retry-after']]).toEqual([429, '30'])
    expect(third.messages[0]).toMatchObject({ error: { data: { error: 'rate_limited' } } })
    expect((await call('elsewhere')).status).toBe(200)
    door.routes.put(route({ quotas: { callsPerMinute: 0, concurrentCalls: null } }))
    expect((await call('notes')).status).toBe(200)
  })

  test('a long body of a call that is over the limit is not read', async () => {
    const door = await openDoor(READY, undefined, { addressPerMinute: 1 })
    await post(door)
    const answer = await post(door, bearer(), 'notes', 'x'.repeat(100_000))
    expect([answer.status, answer.headers['connection']]).toEqual([429, 'close'])
  })
})

test('calls are counted once, with their outcome; listening is not a call', async () => {
  const door = await openDoor(READY)
  await post(door)
  await post(door, bearer('cat_wrong'))
  await send(door.url('notes'), 'GET', bearer())
  expect(door.calls).toMatchObject([
    { deploymentId: 'dep_1', tokenId: 'tok_1', outcome: 'ok' },
    { deploymentId: null, tokenId: null, outcome: 'refused' },
  ])
})

test('what an endpoint reports is recorded with who called and the trace; so is who was turned away', async () => {
  const door = await openDoor(
    {
      ready: () => REPORTING,
      wake: () => Promise.resolve(REPORTING),
    },
    undefined,
    { tokenPerMinute: 2 },
  )
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
  await post(door, { ...bearer(), traceparent: `00-${traceId}-00f067aa0ba902b7-01` })
  await post(door, { ...bearer(), traceparent: 'nonsense' })
  await post(door)
  await post(door, bearer('cat_wrong'))
  const who = { deploymentId: 'dep_1', tokenId: 'tok_1', subject: 'tok_1' }
  expect(door.records).toMatchObject([
    { ...who, method: 'tools/call', name: 'echo', outcome: 'tool_error', durationMs: 5, traceId },
    { ...who, traceId: expect.stringMatching(/^[0-9a-f]{32}$/) },
    { ...who, method: null, name: null, outcome: 'limited' },
  ])
  expect(new Set(door.records.map(({ requestId }) => requestId)).size).toBe(3)
})

test('draining lets nothing new in and waits for what is under way', async () => {
  const finish = Promise.withResolvers<void>()
  const arrived = Promise.withResolvers<void>()
  const slow: Endpoint = {
    ...ECHO,
    handle(req, res, caller) {
      arrived.resolve()
      void finish.promise.then(() => ECHO.handle(req, res, caller))
    },
  }
  const door = await openDoor({ ready: () => slow, wake: () => Promise.resolve(slow) })
  const under = post(door)
  await arrived.promise
  const drained = door.gateway.drain(10_000)
  expect((await post(door)).status).toBe(503)
  finish.resolve()
  await drained
  expect((await under).status).toBe(200)
})

test('draining does not wait for ever', async () => {
  const arrived = Promise.withResolvers<void>()
  const stuck: Endpoint = { ...ECHO, handle: () => arrived.resolve() }
  const door = await openDoor({ ready: () => stuck, wake: () => Promise.resolve(stuck) })
  open(door.url('notes'), 'POST', bearer(), '{}')
  await arrived.promise
  await expect(door.gateway.drain(20)).resolves.toBeUndefined()
})

test('draining does not wait for streams that clients listen on', async () => {
  const arrived = Promise.withResolvers<void>()
  const listening: Endpoint = { ...ECHO, handle: () => arrived.resolve() }
  const door = await openDoor({ ready: () => listening, wake: () => Promise.resolve(listening) })
  const { request } = open(door.url('notes'), 'GET', bearer())
  await arrived.promise
  await expect(door.gateway.drain(60_000)).resolves.toBeUndefined()
  request.destroy()
})

test('a whole session works through the gateway, and only for the token that opened it', async () => {
  await using bridge = await startBridge(fixture('raw-server'))
  const endpoint = bridge.bridge
  const second = createHash('sha256').update('cat_second').digest('hex')
  const tokens = new Map([...route().tokens, [second, { id: 'tok_2', expiresAt: null }]])
  const directory = { ready: () => endpoint, wake: () => Promise.resolve(endpoint) }
  const door = await openDoor(directory, [route({ tokens })])
  const session = await openSession(door.url('notes'), { headers: bearer() })
  expect(await session.text('echo', { text: 'through' })).toBe('through')
  const stolen = await send(
    door.url('notes'),
    'POST',
    { ...session.headers, ...bearer('cat_second') },
    '{"jsonrpc":"2.0","id":1,"method":"ping"}',
  )
  expect(stolen.status).toBe(404)
  expect((await session.end()).status).toBe(200)
})

test('a token that is for reading lists and reads, and calls no tool, batched or not', async () => {
  await using bridge = await startBridge(fixture('raw-server'))
  const endpoint = bridge.bridge
  const reader = createHash('sha256').update('cat_reader').digest('hex')
  const tokens = new Map([[reader, { id: 'tok_r', expiresAt: null, scope: 'read' as const }]])
  const directory = { ready: () => endpoint, wake: () => Promise.resolve(endpoint) }
  const door = await openDoor(directory, [route({ tokens })])
  const session = await openSession(door.url('notes'), { headers: bearer('cat_reader') })
  const list = await session.post({ jsonrpc: '2.0', id: 1, method: 'tools/list' })
  expect(list.status).toBe(200)
  const call = { jsonrpc: '2.0', id: 7, method: 'tools/call', params: { name: 'echo', arguments: {} } }
  for (const body of [call, { ...call, method: 'unknown/thing' }]) {
    const answer = await session.post(body)
    expect(answer.status).toBe(403)
    expect(answer.headers['www-authenticate']).toContain('insufficient_scope')
    expect(answer.messages[0]).toMatchObject({ id: 7, error: { data: { error: 'forbidden' } } })
  }
  const escaped = JSON.stringify(call).replace('tools/call', String.raw`tools\u002fcall`)
  expect((await session.post(escaped)).status).toBe(403)
  const batch = await session.post([{ jsonrpc: '2.0', id: 1, method: 'ping' }, call])
  expect(batch.status).toBe(403)
})

test('the deprecated transport opens at /sse with the same token, and a stream takes messages of no other one', async () => {
  await using server = await startBridge(fixture('raw-server'))
  const other = createHash('sha256').update('cat_other').digest('hex')
  const { tokens } = route()
  const both = route({ tokens: new Map([...tokens, [other, { id: 'tok_2', expiresAt: null }]]) })
  const door = await openDoor({ ready: () => server.bridge, wake: () => Promise.resolve(server.bridge) }, [
    both,
  ])
  const url = door.url('notes/sse')
  expect((await send(url, 'GET')).status).toBe(401)
  const { request, response } = open(url, 'GET', bearer())
  const stream = await response
  const parts = stream.setEncoding('utf8')[Symbol.asyncIterator]()
  const address = /data: (\S+)/.exec(String((await parts.next()).value))?.[1] ?? ''
  const params = { protocolVersion: '2024-11-05', capabilities: {}, clientInfo: { name: 't', version: '1' } }
  const body = JSON.stringify({ jsonrpc: '2.0', id: 'first', method: 'initialize', params })
  expect((await send(url + address, 'POST', bearer('cat_other'), body)).status).toBe(404)
  expect((await send(url + address, 'POST', bearer(), body)).status).toBe(202)
  const answer = String((await parts.next()).value)
  expect(answer).toMatch(/^event: message\ndata: \{"jsonrpc":"2.0","id":"first","result":/)
  request.destroy()
})

test('a deployment may be called sse', async () => {
  const door = await openDoor(READY, [route({ slug: 'sse' })])
  const { status, headers } = await send(door.url('sse'), 'POST', bearer(), '{}')
  expect([status, headers['x-subject']]).toEqual([200, 'tok_1'])
})
