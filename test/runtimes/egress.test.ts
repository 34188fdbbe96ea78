import { once } from 'node:events'
import { createServer as createHttpServer, request, type IncomingMessage } from 'node:http'
import { connect, createServer, type AddressInfo, type Server } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, expect, test } from 'vitest'
import { dialPublic, EgressRefusal, type Dial, type Network } from '../../src/network/index.ts'
import { PROXY_DEFAULTS, serveProxy, type ProxyOptions } from '../../src/runtimes/confined/egress/proxy.ts'
import { until } from '../support/until.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => server.close())
  // It listens on TCP.
  return (server.address() as AddressInfo).port
}

/** The public internet as far as the tests need it: addresses that lead to servers of their own. */
function fakeInternet(names: Readonly<Record<string, string>>, port: number): Network {
  return {
    resolve: async (host) => {
      const address = names[host]
      if (address === undefined) throw new Error(`no address for ${host}`)
      return [address]
    },
    connect: async () => {
      const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true })
      await once(socket, 'connect')
      return socket
    },
    ownAddresses: () => [],
  }
}

async function startProxy(
  dial: Dial,
  changes: Partial<ProxyOptions> = {},
): Promise<{ port: number; refused: string[]; close: () => void }> {
  const refused: string[] = []
  const listener = createServer({ allowHalfOpen: true })
  const port = await listen(listener)
  const onRefused = (target: string, reason: string): void => void refused.push(`${target}: ${reason}`)
  const proxy = serveProxy(listener, { ...PROXY_DEFAULTS, dial, onRefused, ...changes })
  closing.push(() => proxy.close())
  return { port, refused, close: () => proxy.close() }
}

/** Sends bytes and returns everything that comes back until the other side ends. */
async function exchange(port: number, bytes: string): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true })
  socket.write(bytes)
  const answer = await text(socket)
  socket.destroy()
  return answer
}

test('CONNECT gives a connection to a public host, in both directions and to the last byte', async () => {
  const echo = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket))
  const proxy = await startProxy(
    dialPublic(fakeInternet({ 'example.com': '93.184.215.14' }, await listen(echo))),
  )
  const socket = connect({ host: '127.0.0.1', port: proxy.port, allowHalfOpen: true })
  socket.write('CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\nearly ')
  socket.end('bytes')
  expect(await text(socket)).toBe('HTTP/1.1 200 Connection established\r\n\r\nearly bytes')
})

test('plain HTTP goes to the host of the URL, under its name, without what concerns the proxy', async () => {
  const origin = createHttpServer((req, res) => {
    res.setHeader('set-cookie', ['a=1', 'b=2'])
    req.pipe(
      res.writeHead(201, {
        'x-seen': JSON.stringify([req.method, req.url, req.headers.host, Object.keys(req.headers)]),
      }),
    )
  })
  const proxy = await startProxy(
    dialPublic(fakeInternet({ 'example.com': '93.184.215.14' }, await listen(origin))),
  )
  const sent = request({
    host: '127.0.0.1',
    port: proxy.port,
    method: 'POST',
    path: 'http://example.com:8080/path?q=1',
    headers: { host: 'evil.internal', 'proxy-authorization': 'x', 'content-length': '5' },
  })
  sent.end('hello')
  const [answer] = (await once(sent, 'response')) as [IncomingMessage]
  expect(answer.statusCode).toBe(201)
  expect(answer.headers['set-cookie']).toEqual(['a=1', 'b=2'])
  expect(JSON.parse(String(answer.headers['x-seen']))).toEqual([
    'POST',
    '/path?q=1',
    'example.com:8080',
    ['content-length', 'host', 'connection'],
  ])
  expect(await text(answer)).toBe('hello')
})

test.each([
  ['127.0.0.1:80', 'loopback address'],
  ['[::1]:80', 'loopback address'],
  ['[::ffff:127.0.0.1]:80', 'IPv4 address inside an IPv6 one'],
  ['169.254.169.254:80', 'link-local address'],
  ['rebind.example:443', 'private address'],
])('CONNECT to %s is refused, and the refusal is told', async (target, reason) => {
  const proxy = await startProxy(dialPublic(fakeInternet({ 'rebind.example': '192.168.0.1' }, 1)))
  const answer = await exchange(proxy.port, `CONNECT ${target} HTTP/1.1\r\nHost: x\r\n\r\n`)
  expect(answer).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n/)
  expect(answer).toContain(reason)
  expect(proxy.refused).toHaveLength(1)
})

// What looks like a name and is an address to the system's own resolver, which would dial it.
test.each([
  '2130706433:80',
  '0x7f000001:80',
  '0177.0.0.1:80',
  '127.1:80',
  '0:80',
  '0x7f.1:80',
  '127.0.0.1.:80',
])('CONNECT to %s reaches nothing', async (target) => {
  const dialled: string[] = []
  const network: Network = {
    resolve: async (host) => {
      throw new Error(`no address for ${host}`)
    },
    connect: async (address) => {
      dialled.push(address)
      throw new Error('dialled')
    },
    ownAddresses: () => [],
  }
  const proxy = await startProxy(dialPublic(network))
  const answer = await exchange(proxy.port, `CONNECT ${target} HTTP/1.1\r\nHost: x\r\n\r\n`)
  expect(answer).toMatch(/^HTTP\/1\.1 (?:400|403|502) /)
  expect(dialled).toEqual([])
})

test('an answer that changes between look-up and connection changes nothing: what was checked is dialled', async () => {
  const answers = ['93.184.215.14', '127.0.0.1', '169.254.169.254']
  const dialled: string[] = []
  const network: Network = {
    resolve: async () => [answers.shift() ?? '10.0.0.1'],
    connect: async (address) => {
      dialled.push(address)
      throw new Error('not there')
    },
    ownAddresses: () => [],
  }
  const proxy = await startProxy(dialPublic(network))
  const ask = async () => exchange(proxy.port, 'CONNECT turns.example:443 HTTP/1.1\r\nHost: x\r\n\r\n')
  expect(await ask()).toMatch(/ 502 /)
  for (let time = 0; time < 3; time += 1) expect(await ask()).toMatch(/ 403 /)
  expect(dialled).toEqual(['93.184.215.14'])
})

test.each([
  ['10.0.0.1'],
  ['169.254.169.254'],
  ['::ffff:127.0.0.1'],
  ['fd00::1'],
  ['64:ff9b::7f00:1'],
  ['100.64.0.1'],
  ['93.184.215.14', '127.0.0.1'],
])('a name that leads to %s is refused as a whole', async (...addresses) => {
  const network: Network = {
    resolve: async () => addresses,
    connect: async () => {
      throw new Error('dialled')
    },
    ownAddresses: () => [],
  }
  const proxy = await startProxy(dialPublic(network))
  expect(await exchange(proxy.port, 'CONNECT a.example:443 HTTP/1.1\r\nHost: x\r\n\r\n')).toMatch(/ 403 /)
})

test.each([
  ['GET http://127.0.0.1/ HTTP/1.1', 403],
  ['GET http://0x7f.1/ HTTP/1.1', 403],
  ['GET http://2130706433/ HTTP/1.1', 403],
  ['GET http://[::ffff:7f00:1]/ HTTP/1.1', 403],
  ['GET http://nowhere.example/ HTTP/1.1', 502],
  ['GET /path HTTP/1.1', 400],
  ['GET https://example.com/ HTTP/1.1', 400],
  ['CONNECT example.com HTTP/1.1', 400],
  ['CONNECT user@example.com:443 HTTP/1.1', 400],
])('%s is answered with %i', async (line, status) => {
  const proxy = await startProxy(dialPublic(fakeInternet({}, 1)))
  const answer = await exchange(proxy.port, `${line}\r\nHost: x\r\nConnection: close\r\n\r\n`)
  expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
})

const dialNever: Dial = async (_host, _port, signal) =>
  new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))))

test('a host that does not answer is given up in time', async () => {
  const proxy = await startProxy(dialNever, { dialTimeoutMs: 50 })
  expect(await exchange(proxy.port, 'CONNECT slow.example:443 HTTP/1.1\r\nHost: x\r\n\r\n')).toMatch(/ 504 /)
})

test('a connection on which nothing is said is cut', async () => {
  const silent = createServer(() => undefined)
  const dial = dialPublic(fakeInternet({ 'example.com': '93.184.215.14' }, await listen(silent)))
  const proxy = await startProxy(dial, { idleTimeoutMs: 50 })
  const answer = await exchange(proxy.port, 'CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n')
  expect(answer).toMatch(/ 200 /)
})

test('connections beyond the limit are closed at once', async () => {
  const silent = createServer(() => undefined)
  const dial = dialPublic(fakeInternet({ 'example.com': '93.184.215.14' }, await listen(silent)))
  const proxy = await startProxy(dial, { maxConnections: 1 })
  const first = connect(proxy.port, '127.0.0.1')
  await once(first, 'connect')
  const second = connect(proxy.port, '127.0.0.1')
  await once(second, 'close')
  expect([first.destroyed, second.destroyed]).toEqual([false, true])
  first.destroy()
})

test('closing the proxy closes every connection through it', async () => {
  const origins: unknown[] = []
  const silent = createServer((socket) => {
    origins.push(socket)
    socket.on('error', () => undefined).on('close', () => origins.pop())
  })
  const dial = dialPublic(fakeInternet({ 'example.com': '93.184.215.14' }, await listen(silent)))
  const proxy = await startProxy(dial)
  const answer = exchange(proxy.port, 'CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n').catch(
    () => 'cut',
  )
  await until('the tunnel is open', () => (origins.length === 1 ? true : null))
  proxy.close()
  expect(await answer).toMatch(/ 200 |cut/)
  await until('the far side is closed', () => (origins.length === 0 ? true : null))
})

test('a refusal by another reason than the address is told as well', async () => {
  const proxy = await startProxy(async () => {
    throw new EgressRefusal('not a package registry in use')
  })
  await exchange(proxy.port, 'CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n')
  expect(proxy.refused).toEqual(['example.com:443: not a package registry in use'])
})
