import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { connect, createServer as createTcpServer, type AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { Secret, type Endpoint, type RequestReport } from '../../src/domain/index.ts'
import { createEndpointClient, hasSecret, serveEndpoint } from '../../src/forwarding/index.ts'
import { send } from '../bridge/http-client.ts'
import { fixture, startBridge } from '../bridge/bridge-server.ts'
import { endpointContract, type StartEndpoint } from '../contract/endpoint.ts'

const SECRET = new Secret('s'.repeat(43))

async function listen(
  listener: RequestListener,
): Promise<{ readonly port: number; readonly connections: () => number } & AsyncDisposable> {
  let connections = 0
  const server = createServer(listener)
  server.on('connection', () => connections++)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    // A server that listens on TCP has an address with a port.
    port: (server.address() as AddressInfo).port,
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** An endpoint behind HTTP, as another node or a container serves it. */
async function overHttp(endpoint: Endpoint) {
  const stack = new AsyncDisposableStack()
  const server = stack.use(
    await listen((req, res) => {
      if (!hasSecret(req, SECRET)) return void res.writeHead(401).end()
      const action = (['mcp', 'request', 'probe'] as const).find((one) => req.url === `/base/${one}`)
      if (action === undefined) return void res.writeHead(404).end()
      serveEndpoint(endpoint, action, req, res)
    }),
  )
  const client = createEndpointClient()
  stack.defer(() => client[Symbol.dispose]())
  return {
    endpoint: client.connect(new URL(`http://127.0.0.1:${server.port}/base`), SECRET),
    server,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

/** A bridge in this process, behind whatever lies between it and the gateway. */
function behind(
  way: (endpoint: Endpoint) => Promise<{ readonly endpoint: Endpoint } & AsyncDisposable>,
): StartEndpoint {
  return async (limits) => {
    const stack = new AsyncDisposableStack()
    const { bridge, launches } = stack.use(await startBridge(fixture('raw-server'), { limits }))
    const { endpoint } = stack.use(await way(bridge))
    return { endpoint, launches, [Symbol.asyncDispose]: () => stack.disposeAsync() }
  }
}

endpointContract(
  'in this process',
  behind(async (endpoint) => ({ endpoint, [Symbol.asyncDispose]: async () => {} })),
)
endpointContract('over HTTP', behind(overHttp))

/** Calls an endpoint as a client would, through a door of its own. */
async function callThrough(endpoint: Endpoint, headers: Record<string, string> = {}) {
  const reports: RequestReport[] = []
  await using door = await listen((req, res) =>
    endpoint.handle(req, res, {
      subject: 'tok_1',
      requestId: 'req_1',
      scope: 'read',
      traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
      report: (report) => reports.push(report),
    }),
  )
  const answer = await send(`http://127.0.0.1:${door.port}/mcp`, 'POST', headers, '{}')
  return { answer, reports }
}

const answering = (handle: Endpoint['handle']): Endpoint => ({
  handle,
  request: () => Promise.reject(new Error('not asked')),
  probe: () => Promise.reject(new Error('not asked')),
})

test('who calls is told by us alone; the client’s own token and cookies stay here', async () => {
  await using far = await overHttp(
    answering((req, res, { subject, requestId, scope, traceId }) => {
      const seen = { headers: Object.keys(req.headers), subject, requestId, scope, traceId }
      res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(seen))
    }),
  )
  const { answer } = await callThrough(far.endpoint, {
    authorization: 'Bearer of-the-client',
    cookie: 'a=b',
    'catwalk-subject': 'somebody-else',
    'mcp-param-x': '1',
    'x-forwarded-for': '6.6.6.6',
  })
  const seen = JSON.parse(answer.text) as { headers: string[] }
  expect(seen).toMatchObject({
    subject: 'tok_1',
    requestId: 'req_1',
    scope: 'read',
    traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
  })
  expect(seen.headers).toContain('mcp-param-x')
  for (const name of ['cookie', 'x-forwarded-for']) expect(seen.headers).not.toContain(name)
})

test('what became of a request is reported through the connection, of JSON answers and of streams', async () => {
  const report: RequestReport = { method: 'tools/call', name: 'a, "ü"', outcome: 'ok', durationMs: 1 }
  await using json = await overHttp(
    answering((_, res, caller) => {
      caller.report?.(report)
      caller.report?.({ ...report, outcome: 'error' })
      res.writeHead(200, ['content-type', 'application/json', 'content-length', '2'])
      res.end('{}')
    }),
  )
  const first = await callThrough(json.endpoint)
  expect(first.reports).toEqual([report, { ...report, outcome: 'error' }])
  expect(Object.keys(first.answer.headers)).not.toContain('catwalk-report')

  await using stream = await overHttp(
    answering((_, res, caller) => {
      res.writeHead(200, ['content-type', 'text/event-stream'])
      res.write('data: {}\n\n')
      caller.report?.(report)
      res.end('data: {}\n\n')
    }),
  )
  const second = await callThrough(stream.endpoint)
  expect(second.answer.messages).toHaveLength(2)
  expect(second.reports).toEqual([report])
})

test('nothing but JSON and event streams comes through', async () => {
  await using far = await overHttp(
    answering((_, res) => void res.writeHead(200, { 'content-type': 'text/html' }).end('<script>')),
  )
  const { answer } = await callThrough(far.endpoint)
  expect([answer.status, answer.headers['content-type']]).toEqual([502, 'application/json'])
  expect(answer.text).not.toContain('<script>')
})

test('without the secret nothing is answered', async () => {
  await using far = await overHttp(answering((_, res) => void res.end()))
  const url = `http://127.0.0.1:${far.server.port}/base/mcp`
  for (const authorization of [undefined, '', 'Bearer x', `bearer ${SECRET.reveal()}`]) {
    expect((await send(url, 'POST', { authorization }, '{}')).status).toBe(401)
  }
})

test('many calls share a few connections', async () => {
  await using far = await overHttp(
    answering((_, res) => void res.writeHead(200, { 'content-type': 'application/json' }).end('{}')),
  )
  for (let call = 0; call < 10; call++) await callThrough(far.endpoint)
  expect(far.server.connections()).toBe(1)
})

test('one that cannot be reached is told with 503, and an answer that is cut is cut for the client too', async () => {
  const client = createEndpointClient({ unreachable: { code: 'node_lost', message: 'Gone.' } })
  await using nobody = await listen(() => undefined)
  const { port } = nobody
  await nobody[Symbol.asyncDispose]()
  const { answer } = await callThrough(client.connect(new URL(`http://127.0.0.1:${port}`), SECRET))
  expect([answer.status, answer.headers['retry-after']]).toEqual([503, '5'])
  expect(answer.messages[0]).toMatchObject({ error: { data: { error: 'node_lost' } } })

  const cutting = createTcpServer((socket) => {
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"half":')
      socket.end()
    })
  })
  await once(cutting.listen(0, '127.0.0.1'), 'listening')
  const half = client.connect(new URL(`http://127.0.0.1:${(cutting.address() as AddressInfo).port}`), SECRET)
  await expect(callThrough(half)).rejects.toThrow(/aborted|hang up/)
  cutting.close()
  client[Symbol.dispose]()
})

test('a caller that goes away ends the request on the other side', async () => {
  const arrived = Promise.withResolvers<void>()
  const closed = Promise.withResolvers<void>()
  await using far = await overHttp(
    answering((_, res) => {
      res.once('close', () => closed.resolve())
      arrived.resolve()
    }),
  )
  await using door = await listen((req, res) =>
    far.endpoint.handle(req, res, { subject: 'tok_1', requestId: 'req_1' }),
  )
  const socket = connect(door.port, '127.0.0.1')
  socket.write('GET /mcp HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\n\r\n')
  await arrived.promise
  socket.destroy()
  await expect(closed.promise).resolves.toBeUndefined()
})
