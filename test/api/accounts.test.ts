import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAccountHandlers } from '../../src/api/index.ts'
import { createApiClient, type ApiClient } from '../../src/contract/index.ts'
import { cookieHeader, openAccounts, owner, tokenOf, type Accounts } from '../auth/support.ts'
import { handlersWith, serveApi } from './support.ts'

let accounts: Accounts
let server: Awaited<ReturnType<typeof serveApi>>
let first: ReturnType<typeof browser>

beforeAll(async () => {
  accounts = await openAccounts()
  server = await serveApi({ auth: accounts.auth, handlers: handlersWith(createAccountHandlers(accounts)) })
  first = browser()
})
afterAll(async () => {
  await server.close()
  await accounts[Symbol.asyncDispose]()
})

/** The contract's client with a cookie jar, as a browser has one. */
function browser(): { api: ApiClient; post: (path: string, body: unknown) => Promise<Response> } {
  let cookie = ''
  const send: typeof fetch = async (input, init) => {
    const headers = new Headers(init?.headers)
    // What a browser adds by itself.
    headers.set('sec-fetch-site', 'same-origin')
    headers.set('origin', 'http://localhost:7420')
    if (cookie !== '') headers.set('cookie', cookie)
    const response = await fetch(input, { ...init, headers })
    if (response.headers.getSetCookie().length > 0) cookie = cookieHeader(response.headers.getSetCookie())
    return response
  }
  return {
    api: createApiClient({ origin: server.origin, fetch: send }),
    post: (path, body) =>
      send(`${server.origin}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
  }
}

describe('the way of the newcomer', () => {
  test('the dashboard learns that there is no owner yet', async () => {
    expect(await first.api.call('getSetUp', {})).toEqual({ needed: true })
    await expect(first.api.call('getMe', {})).rejects.toMatchObject({ status: 401 })
  })

  test.each([
    ['a short password', { ...owner, password: 'short' }, 'password'],
    ['no email address', { ...owner, email: 'ada' }, 'email'],
    ['no name', { ...owner, name: ' ' }, 'name'],
  ])('%s is named before the link is used', async (_, input, field) => {
    const { url } = await accounts.setUpLinks.issue(null)
    await expect(first.api.call('setUp', { body: { token: tokenOf(url), ...input } })).rejects.toMatchObject({
      status: 400,
      body: { error: 'invalid_request', details: { field } },
    })
  })

  test('a wrong link is refused', async () => {
    await expect(first.api.call('setUp', { body: { token: 'x', ...owner } })).rejects.toMatchObject({
      status: 403,
      body: { error: 'setup_link_invalid' },
    })
  })

  test('the set-up link makes the owner and signs in', async () => {
    const { url } = await accounts.setUpLinks.issue(null)
    const me = await first.api.call('setUp', { body: { token: tokenOf(url), ...owner } })
    expect(me).toMatchObject({ user: { name: 'Ada', email: 'ada@example.com' }, role: 'owner' })
    expect(await first.api.call('getMe', {})).toEqual(me)
    expect(await first.api.call('getSetUp', {})).toEqual({ needed: false })
  })

  test('neither the link nor a new one works afterwards', async () => {
    await expect(first.api.call('setUp', { body: { token: 'x', ...owner } })).rejects.toMatchObject({
      status: 409,
      body: { error: 'setup_done' },
    })
    await expect(first.api.call('createSetUpLink', {})).rejects.toMatchObject({
      body: { error: 'setup_done' },
    })
  })

  test('signing out and in again', async () => {
    expect((await first.post('/api/auth/sign-out', {})).status).toBe(200)
    await expect(first.api.call('getMe', {})).rejects.toMatchObject({ status: 401 })
    const wrong = await first.post('/api/auth/sign-in/email', { email: owner.email, password: 'wrong wrong' })
    expect(wrong.status).toBe(401)
    expect(await wrong.json()).toMatchObject({
      error: 'invalid_credentials',
      requestId: wrong.headers.get('x-request-id'),
    })
    const right = await first.post('/api/auth/sign-in/email', {
      email: owner.email,
      password: owner.password,
    })
    expect(right.status).toBe(200)
    expect(right.headers.get('cache-control')).toBe('no-store')
    expect(await first.api.call('getMe', {})).toMatchObject({ user: { email: 'ada@example.com' } })
  })

  test('an attempt to sign in that is too large or not JSON is an error of the catalogue', async () => {
    const large = await first.post('/api/auth/sign-in/email', { email: 'x'.repeat(20_000), password: 'y' })
    expect(large.status).toBe(413)
    const form = await fetch(`${server.origin}/api/auth/sign-in/email`, {
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      body: 'email=a&password=b',
    })
    expect(await form.json()).toMatchObject({ error: 'invalid_request' })
    const get = await fetch(`${server.origin}/api/auth/sign-in/email`)
    expect([get.status, get.headers.get('allow')]).toEqual([405, 'POST'])
  })
})
