import { expect, test } from 'vitest'
import { CALLER } from './release.ts'
import { overStreamableHttp } from '../clients/first-sdk.ts'
import { catwalkErrorOf } from '../support/errors.ts'
import { until } from '../support/until.ts'
import { standInFront, type Way } from './remote-runtime.ts'
import { startLegacyRemote, startModernRemote, type Gate } from './remote-servers.ts'

const never = new AbortController().signal
const header = [{ name: 'Authorization', value: 'Bearer {TOKEN}' }]

const call = async ({ instance }: Way, signal = never) =>
  instance.endpoint.request('tools/call', { name: 'echo', arguments: { text: 'hi' } }, CALLER, signal)

const answer =
  (status: number, headers: Record<string, string> = {}, body = ''): Gate =>
  (_req, res) => {
    res.writeHead(status, headers)
    res.end(body)
    return true
  }

test.each([
  'Host',
  'Content-Length',
  'Connection',
  'Mcp-Session-Id',
  'MCP-Protocol-Version',
  'Origin',
  'X\nY',
])('a header that says %j is not sent, and nothing else is either', async (name) => {
  await using server = await startLegacyRemote()
  const started = standInFront(server.url, { headers: [{ name, value: '{V}' }], credentials: { V: 'x' } })
  expect((await catwalkErrorOf(started)).code).toBe('invalid_variable')
  expect(server.seen).toEqual([])
})

test('a credential with a line break makes no second header', async () => {
  await using server = await startLegacyRemote()
  const started = standInFront(server.url, { headers: header, credentials: { TOKEN: 'a\r\nX-Evil: 1' } })
  expect((await catwalkErrorOf(started)).code).toBe('missing_variable')
  expect(server.seen).toEqual([])
})

test.each([
  ['a token', { 'www-authenticate': 'Bearer realm="x"' }, /wants a token/],
  ['people to sign in', { 'www-authenticate': 'Bearer resource_metadata="https://x/"' }, /OAuth/],
])('a 401 that wants %s is told in words', async (_what, headers, words) => {
  await using server = await startLegacyRemote()
  server.gate = answer(401, headers)
  await using way = await standInFront(server.url)
  const error = await catwalkErrorOf(call(way))
  expect(error.code).toBe('remote_unauthorized')
  expect(error.message).toMatch(words)
})

test('a server that wants to be left alone for a moment is left alone for it; for longer, the caller is told', async () => {
  await using server = await startLegacyRemote()
  await using way = await standInFront(server.url)
  await call(way)
  let refusals = 1
  const before = server.seen.length
  server.gate = (req, res) => refusals-- > 0 && answer(429, { 'retry-after': '1' })(req, res)
  const startedAt = performance.now()
  await call(way)
  expect(performance.now() - startedAt).toBeGreaterThan(900)
  expect(server.seen.length).toBe(before + 2)
  server.gate = answer(429, { 'retry-after': '600' })
  expect((await catwalkErrorOf(call(way))).message).toContain('600 s')
  const asked = server.seen.length
  server.gate = () => false
  expect((await catwalkErrorOf(call(way))).code).toBe('remote_busy')
  expect(server.seen.length).toBe(asked)
})

test('credentials follow no redirect to another origin; one on the same is followed with the message', async () => {
  await using other = await startLegacyRemote()
  await using server = await startLegacyRemote()
  server.gate = answer(307, { location: other.url })
  await using way = await standInFront(server.url, { headers: header, credentials: { TOKEN: 'sesame' } })
  expect((await catwalkErrorOf(call(way))).code).toBe('remote_refused')
  expect(other.seen).toEqual([])

  await using same = await startLegacyRemote()
  same.gate = (req, res) => req.url === '/mcp' && answer(308, { location: '/mcp/' })(req, res)
  await using round = await standInFront(same.url)
  expect(await call(round)).toMatchObject({ content: [{ text: 'hi' }] })
})

test('a caller of a server that hangs can go, and others are answered meanwhile', async () => {
  await using server = await startModernRemote('reject')
  await using way = await standInFront(server.url)
  await call(way)
  let hung = 0
  let closed = 0
  server.gate = (_req, res) => {
    if (hung > 0) return false
    hung++
    res.once('close', () => closed++)
    return true
  }
  const gone = new AbortController()
  const waiting = call(way, gone.signal)
  await until('it hangs', () => (hung > 0 ? true : null))
  expect(await call(way)).toMatchObject({ content: [{ text: 'hi' }] })
  gone.abort()
  await expect(waiting).rejects.toThrow('did not answer')
  // Closing the response is how the modern era cancels.
  await until('the request is closed', () => (closed > 0 ? true : null))
})

test.each([
  ['a page', { 'content-type': 'text/html' }, '<html>Welcome</html>'],
  ['JSON that is none of MCP', { 'content-type': 'application/json' }, '{"hello":"world"}'],
  ['no JSON', { 'content-type': 'application/json' }, '{"jsonrpc":"2.0","id":1,"result":{'],
  ['an event of nothing', { 'content-type': 'text/event-stream' }, 'data: {}\n\n'],
  ['compressed bytes', { 'content-type': 'application/json', 'content-encoding': 'gzip' }, 'xx'],
])(
  'a server that answers with %s is told not to speak MCP, and nobody waits',
  async (_what, headers, body) => {
    await using server = await startLegacyRemote()
    server.gate = answer(200, headers, body)
    await using way = await standInFront(server.url)
    expect((await catwalkErrorOf(call(way))).code).toBe('server_not_mcp')
  },
)

test('a server that has forgotten a stateful session ends it, rather than to go on in an empty one', async () => {
  await using server = await startLegacyRemote()
  await using way = await standInFront(server.url, { stateful: true })
  await using client = await overStreamableHttp(way.url, false)
  await client.tools()
  await server.restart()
  await expect(client.call('echo', { text: 'x' })).rejects.toThrow(/ended|closed/)
  expect((await way.instance.ended).reason).toBe('exited')
})

test('the session at the server is ended with the instance', async () => {
  await using server = await startLegacyRemote()
  await using way = await standInFront(server.url)
  await call(way)
  await way.instance.stop(500)
  await until('it is deleted', () => (server.seen.some(({ method }) => method === 'DELETE') ? true : null))
  expect((await way.instance.ended).reason).toBe('stopped')
})

test('arguments that a server wants in headers are in them', async () => {
  await using server = await startModernRemote('reject')
  await using way = await standInFront(server.url)
  const params = { name: 'regional', arguments: { region: 'süd' } }
  expect(await way.instance.endpoint.request('tools/call', params, CALLER, never)).toMatchObject({
    content: [{ text: 'süd' }],
  })
  expect(server.seen.some(({ headers }) => headers['mcp-param-region'] !== undefined)).toBe(true)
})
