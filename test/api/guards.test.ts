import { request } from 'node:http'
import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import { apiOptions, ask, handlersWith, ORIGIN, PORT, serveApi, signedInAs } from './support.ts'

const me = {
  user: null,
  apiKey: null,
  workspace: { id: 'ws_1', name: 'W' },
  role: 'owner',
  isInstallationAdmin: true,
} as const
const handlers = handlersWith({
  getMe: () => Promise.resolve(me),
  getSetUp: () => Promise.resolve({ needed: true }),
  createSetUpLink: () => Promise.resolve({ url: 'http://localhost/', expiresAt: '2030-01-01T00:00:00Z' }),
})

const change = (by: 'cookie' | 'api_key', headers: Record<string, string>) =>
  ask(apiOptions({ signedIn: signedInAs('owner', by), handlers }), '/api/v1/setup-links', {
    method: 'POST',
    headers,
  })

const under = (host: string, path = '/api/v1/setup') =>
  ask(apiOptions({ handlers, publicUrl: new URL('https://cat.example.com') }), path, { headers: { host } })

describe('a request that changes something', () => {
  test.each([
    ['from our own page', { origin: ORIGIN }],
    ['from our page under another loopback name', { origin: `http://127.0.0.1:${PORT}` }],
    ['that the browser calls same-origin', { 'sec-fetch-site': 'same-origin' }],
  ])('with a cookie, %s, is let through', async (_, headers: Record<string, string>) => {
    expect((await change('cookie', headers)).status).toBe(201)
  })

  test.each([
    ['from another site', { origin: 'https://evil.example' }],
    ['from our name on another port', { origin: 'http://localhost:1' }],
    ['from our name over another scheme', { origin: `https://localhost:${PORT}` }],
    ['from nowhere', {}],
    ['from an opaque origin', { origin: 'null' }],
    ['that the browser calls same-site', { 'sec-fetch-site': 'same-site' }],
    ['that the browser calls cross-site', { 'sec-fetch-site': 'cross-site', origin: 'null' }],
    ['typed by the person', { 'sec-fetch-site': 'none' }],
  ])('with a cookie, %s, is refused', async (_, headers: Record<string, string>) => {
    const answer = await change('cookie', headers)
    expect(answer.status).toBe(403)
    expect(answer.body['error']).toBe('forbidden')
  })

  test('with an API key needs no origin, but must not come from another site', async () => {
    expect((await change('api_key', {})).status).toBe(201)
    expect((await change('api_key', { origin: 'https://evil.example' })).status).toBe(403)
  })

  test('of the set-up must not come from another site either', async () => {
    const answer = await ask(apiOptions({ handlers }), '/api/v1/setup', {
      method: 'POST',
      headers: { origin: 'https://evil.example', 'content-type': 'application/json' },
      body: '{}',
    })
    expect(answer.status).toBe(403)
  })
})

describe('the Host header', () => {
  test.each([
    'cat.example.com',
    'CAT.example.com',
    `localhost:${PORT}`,
    `127.0.0.1:${PORT}`,
    `[::1]:${PORT}`,
  ])('may be %s', async (host) => {
    expect((await under(host)).status).toBe(200)
  })

  test.each([
    'evil.example',
    `evil.example:${PORT}`,
    'localhost',
    'localhost:1',
    'cat.example.com.evil.example',
    '',
  ])('may not be "%s"', async (host) => {
    for (const path of [
      '/api/v1/setup',
      '/',
      '/api/openapi.json',
      '/docs/x',
      '/metrics',
      '/api/auth/sign-out',
    ]) {
      expect({ path, status: (await under(host, path)).status }).toEqual({ path, status: 403 })
    }
  })

  test('does not matter to the probes of an orchestrator', async () => {
    expect((await under('10.1.2.3:80', '/healthz')).status).toBe(200)
    expect((await under('10.1.2.3:80', '/readyz')).status).toBe(200)
  })
})

describe('headers', () => {
  test('every answer forbids framing, sniffing and sharing', async () => {
    const options = apiOptions({ handlers })
    for (const path of ['/', '/api/v1/me', '/api/v1/setup', '/healthz', '/docs/nothing', '/nothing']) {
      const { headers } = await ask(options, path)
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
      expect(headers.get('content-security-policy')).not.toContain('unsafe')
      expect(headers.get('referrer-policy')).toBe('no-referrer')
      expect(headers.get('access-control-allow-origin')).toBeNull()
      expect(headers.get('strict-transport-security')).toBeNull()
    }
  })

  test('HTTPS is remembered when the public URL has it', async () => {
    const options = apiOptions({ handlers, publicUrl: new URL('https://cat.example.com') })
    const { headers } = await ask(options, '/healthz')
    expect(headers.get('strict-transport-security')).toBe('max-age=31536000')
  })
})

describe('health and metrics', () => {
  test('not ready is 503 and says which check failed', async () => {
    const failing = { ready: false, checks: { database: false } }
    const answer = await ask(apiOptions({ readiness: () => Promise.resolve(failing) }), '/readyz')
    expect(answer.status).toBe(503)
    expect(answer.body).toEqual(failing)
  })

  test('metrics need a session or key', async () => {
    expect((await ask(apiOptions(), '/metrics')).status).toBe(401)
    const answer = await ask(apiOptions({ signedIn: signedInAs('viewer') }), '/metrics')
    expect(answer.text).toBe('up 1\n')
  })
})

describe('limits for somebody unknown', () => {
  test('100 requests a minute from one address, then 429 with the time to wait; who is signed in goes on', async () => {
    await using unknown = await serveApi({ handlers })
    const statuses = new Map<number, number>()
    for (let i = 0; i < 104; i += 1) {
      const { status } = await fetch(`${unknown.origin}/api/v1/${i % 2 === 0 ? 'me' : 'setup'}`)
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
    }
    expect(Object.fromEntries(statuses)).toEqual({ 200: 50, 401: 50, 429: 4 })
    const refused = await fetch(`${unknown.origin}/api/v1/me`)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await refused.json()).toMatchObject({ error: 'rate_limited' })

    await using known = await serveApi({ handlers, signedIn: signedInAs('viewer') })
    for (let i = 0; i < 104; i += 1) expect((await fetch(`${known.origin}/api/v1/me`)).status).toBe(200)
  })

  test('10 set-ups a minute', async () => {
    await using server = await serveApi({ handlers })
    const attempt = async () => {
      const response = await fetch(`${server.origin}/api/v1/setup`, { method: 'POST' })
      await response.body?.cancel()
      return response.status
    }
    const statuses = []
    for (let i = 0; i < 11; i += 1) statuses.push(await attempt())
    expect(statuses.filter((status) => status === 400)).toHaveLength(10)
    expect(statuses.at(-1)).toBe(429)
  })
})

test('a body that is too large is refused over a real socket, and the server goes on', async () => {
  await using server = await serveApi({ handlers, signedIn: signedInAs('owner') })
  const post = request(`${server.origin}/api/v1/analyses`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
  })
  // The server may cut the line while we still write.
  post.on('error', () => undefined)
  post.write(`{"source":"${'x'.repeat(5_000_000)}`)
  const [response] = (await once(post, 'response')) as [{ statusCode: number; resume: () => void }]
  expect(response.statusCode).toBe(413)
  response.resume()
  post.destroy()
  expect((await fetch(`${server.origin}/api/v1/me`)).status).toBe(200)
})
