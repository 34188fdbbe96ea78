import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Secret } from '../../src/domain/index.ts'
import {
  createHttpClient,
  HttpFailure,
  readBytes,
  readJson,
  withRetries,
  type HttpClient,
} from '../../src/network/index.ts'

const never = new AbortController().signal

async function serve(listener: RequestListener): Promise<AsyncDisposable & { readonly origin: string }> {
  const server = createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

let answers: Awaited<ReturnType<typeof serve>>
let other: Awaited<ReturnType<typeof serve>>
let client: HttpClient
let failures = 0

beforeAll(async () => {
  other = await serve((req, res) => res.end(JSON.stringify(req.headers)))
  answers = await serve((req, res) => {
    const path = req.url ?? ''
    if (path.startsWith('/to?')) res.writeHead(302, { location: decodeURIComponent(path.slice(4)) }).end()
    else if (path === '/silent') return
    else if (path === '/endless') {
      const more = (): void => void (res.destroyed || res.write(Buffer.alloc(65_536), more))
      more()
    } else if (path === '/flaky') res.writeHead(failures-- > 0 ? 503 : 200).end('{}')
    else if (path === '/later') res.writeHead(429, { 'retry-after': '3600' }).end()
    else if (path === '/broken') res.write('x', () => res.destroy())
    else res.end(JSON.stringify(req.headers))
  })
  client = createHttpClient({
    trustedOrigins: [answers.origin, other.origin],
    userAgent: 'test',
    network: {
      resolve: async (host) => (host === 'inside.example' ? ['10.0.0.1'] : []),
      ownAddresses: () => [],
    },
  })
})
afterAll(async () => {
  client[Symbol.dispose]()
  await answers[Symbol.asyncDispose]()
  await other[Symbol.asyncDispose]()
})

const get = (url: string, more: object = {}) => client.request(new URL(url), { signal: never, ...more })
const via = (target: string): string => `${answers.origin}/to?${encodeURIComponent(target)}`

async function failureOf(promise: Promise<unknown>): Promise<HttpFailure> {
  const error = await promise.then(
    () => new Error('it had an answer'),
    (reason: unknown) => reason,
  )
  if (error instanceof HttpFailure) return error
  throw error
}

describe('an address that somebody else chose', () => {
  test.each([
    'http://example.com/',
    'https://127.0.0.1/',
    'https://[::1]/',
    'https://[::ffff:127.0.0.1]/',
    'https://169.254.169.254/latest/meta-data',
    'https://100.64.0.1/',
    'https://[fd00::1]/',
    'https://2130706433/',
    'https://0x7f.1/',
    'https://inside.example/',
  ])('%s is refused, straight and by redirect', async (url) => {
    expect((await failureOf(get(url))).kind).toBe('refused')
    expect((await failureOf(get(via(url)))).kind).toBe('refused')
  })

  test('is not told which address of the inside its name has', async () => {
    expect((await failureOf(get('https://inside.example/'))).message).toBe(
      'inside.example is not on the public internet.',
    )
  })

  test.each(['file:///etc/passwd', 'ftp://example.com/', 'http://user:secret@127.0.0.1/'])(
    '%s is no target of a redirect',
    async (url) => {
      expect((await failureOf(get(via(url)))).kind).toBe('malformed')
    },
  )

  test('may not redirect for ever', async () => {
    const loop = await serve((_req, res) => res.writeHead(302, { location: '/' }).end())
    using looping = createHttpClient({ trustedOrigins: [loop.origin], userAgent: 'test' })
    expect((await failureOf(looping.request(new URL(loop.origin), { signal: never }))).message).toContain(
      'without end',
    )
    await loop[Symbol.asyncDispose]()
  })
})

test('a token stays with its origin when a redirect leads elsewhere', async () => {
  const authorization = new Secret('Bearer t0ken')
  expect(await readJson(await get(via('/here'), { authorization }), 10_000)).toMatchObject({
    authorization: 'Bearer t0ken',
  })
  expect(
    await readJson(await get(via(`${other.origin}/there`), { authorization }), 10_000),
  ).not.toHaveProperty('authorization')
})

test('an answer that does not come, does not end, breaks off or is no JSON is given up', async () => {
  expect((await failureOf(get(`${answers.origin}/silent`, { timeoutMs: 100 }))).kind).toBe('timeout')
  expect((await failureOf(readBytes(await get(`${answers.origin}/endless`), 1_000_000))).kind).toBe(
    'too_large',
  )
  expect((await failureOf(readBytes(await get(`${answers.origin}/broken`), 1_000))).kind).toBe('unreachable')
  const slow = get(`${answers.origin}/silent`, { signal: AbortSignal.abort(new Error('changed my mind')) })
  await expect(slow).rejects.toThrow('changed my mind')
})

test('what may pass is asked again, with a random wait; what asks for a long wait is not', async () => {
  failures = 2
  const waits: number[] = []
  const random = (): number => {
    waits.push(0)
    return 0
  }
  const response = await withRetries(() => get(`${answers.origin}/flaky`), { random, signal: never })
  expect([response.status, waits.length]).toEqual([200, 3])
  expect((await withRetries(() => get(`${answers.origin}/later`), { signal: never })).status).toBe(429)
  expect(
    (await failureOf(withRetries(() => get('http://127.0.0.1:9/'), { baseMs: 1, signal: never }))).kind,
  ).toBe('refused')
})
