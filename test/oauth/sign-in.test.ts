import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Endpoint } from '../../src/domain/index.ts'
import { until } from '../support/until.ts'
import {
  ask,
  type Answer,
  authorizeUrl,
  browse,
  call,
  connect,
  decide,
  metadataOf,
  openHouse,
  register,
  requestIn,
  token,
  tokensIn,
  verifier,
  type House,
  type Person,
  type Place,
} from './house.ts'

/** Says who called, and what they may. */
const ECHO: Endpoint = {
  handle(req, res, caller) {
    caller.report?.({ method: 'ping', name: null, outcome: 'ok', durationMs: 1 })
    req.resume().on('end', () => {
      res.writeHead(200, { 'content-type': 'application/json' })
      res.end(JSON.stringify({ subject: caller.subject, scope: caller.scope, challenge: caller.challenge }))
    })
  },
  request: () => Promise.reject(new Error('not asked')),
  probe: () => Promise.reject(new Error('not asked')),
}

let house: House
let ana: Person
let place: Place
beforeAll(async () => {
  house = await openHouse({ endpoint: ECHO })
  ana = await house.person('ana', 'member')
  place = await house.deploy('oauth')
})
afterAll(() => house[Symbol.asyncDispose]())

test('a bare call says where to sign in, and with which scopes', async () => {
  const { status, headers } = await call(place, null)
  expect(status).toBe(401)
  const url = `${house.origin}/.well-known/oauth-protected-resource/mcp/${place.slug}`
  expect(headers.get('www-authenticate')).toBe(
    `Bearer resource_metadata="${url}", scope="mcp:read mcp:tools"`,
  )
  expect((await call(place, 'cwa_nonsense')).headers.get('www-authenticate')).toContain(
    'error="invalid_token"',
  )
  expect((await ask(url)).body).toMatchObject({
    resource: place.endpoint,
    authorization_servers: [place.endpoint],
    scopes_supported: ['mcp:read', 'mcp:tools'],
  })
})

test('a client that registers gets from consent to a call in the name of the person', async () => {
  const { access, scope } = await connect(house, place, ana)
  expect(scope).toBe('mcp:read mcp:tools')
  const { status, body } = await call(place, access)
  expect({ status, body }).toEqual({ status: 200, body: { subject: ana.id, scope: 'full' } })
  const record = house.records.at(-1)
  expect(record).toMatchObject({ subject: ana.id, deploymentId: place.id })
  expect(record?.tokenId).toMatch(/^con_/)
})

test('the answer to a client comes back with its state and our issuer', async () => {
  const clientId = String((await register(place)).body['client_id'])
  const wish = { clientId, redirectUri: 'https://client.example/callback', verifier: verifier() }
  const sent = await browse(await authorizeUrl(place, { ...wish, more: { prompt: 'consent' } }), ana)
  const { body } = await decide(house, ana, requestIn(sent))
  const back = new URL(String(body['redirect']))
  expect(back.origin + back.pathname).toBe('https://client.example/callback')
  expect(Object.fromEntries(back.searchParams)).toMatchObject({
    state: 'state-of-the-client',
    iss: place.endpoint,
  })
  expect((await metadataOf(place))['issuer']).toBe(place.endpoint)
  const refused = await decide(house, ana, requestIn(sent), { allow: false })
  expect(Object.fromEntries(new URL(String(refused.body['redirect'])).searchParams)).toMatchObject({
    error: 'access_denied',
    state: 'state-of-the-client',
    iss: place.endpoint,
  })
})

test('who allowed a client is not asked again, for the same or less', async () => {
  const { clientId } = await connect(house, place, ana)
  const wish = { clientId, redirectUri: 'https://client.example/callback', verifier: verifier() }
  const again = await browse(await authorizeUrl(place, { ...wish, more: { scope: 'mcp:read' } }), ana)
  expect(again.headers.get('location')).toMatch(/^https:\/\/client\.example\/callback\?code=cwc_/)
  expect((await browse(await authorizeUrl(place, wish), null)).headers.get('location')).toMatch(
    /^\/consent\?/,
  )
})

test('a client that may only read is told what it needs to call tools', async () => {
  const { access, scope } = await connect(house, place, ana, { more: { scope: 'mcp:read' } })
  expect(scope).toBe('mcp:read')
  const { body } = await call(place, access)
  expect(body).toMatchObject({ scope: 'read' })
  expect(body['challenge']).toContain('error="insufficient_scope"')
  expect(body['challenge']).toContain('scope="mcp:read mcp:tools"')
  expect(body['challenge']).toContain('resource_metadata="')
})

test('a person may allow less than a client asks for', async () => {
  expect((await connect(house, place, ana, { decision: { tools: false } })).scope).toBe('mcp:read')
})

test('a refresh token gives new tokens, and the access token before goes on to its end', async () => {
  const { clientId, access, refresh } = await connect(house, place, ana)
  const next = tokensIn(
    await token(place, { grant_type: 'refresh_token', client_id: clientId, refresh_token: refresh }),
  )
  expect(next.refresh).not.toBe(refresh)
  expect((await call(place, next.access)).status).toBe(200)
  expect((await call(place, access)).status).toBe(200)
})

test('a client with a secret proves itself by either way, and not without', async () => {
  for (const method of ['client_secret_post', 'client_secret_basic']) {
    const { body } = await register(place, { token_endpoint_auth_method: method })
    const clientId = String(body['client_id'])
    const secret = String(body['client_secret'])
    const redirectUri = 'https://client.example/callback'
    const proof = verifier()
    const wish = { clientId, redirectUri, verifier: proof }
    const sent = await browse(await authorizeUrl(place, wish), ana)
    const decided = await decide(house, ana, requestIn(sent))
    const code = new URL(String(decided.body['redirect'])).searchParams.get('code') ?? ''
    const form = { grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: proof }
    expect((await token(place, { ...form, client_id: clientId })).body['error']).toBe('invalid_client')
    const basic = `Basic ${Buffer.from(`${clientId}:${secret}`).toString('base64')}`
    const answer =
      method === 'client_secret_basic'
        ? await token(place, form, { authorization: basic })
        : await token(place, { ...form, client_id: clientId, client_secret: secret })
    expect(tokensIn(answer).access).toMatch(/^cwa_/)
  }
})

test('a client that signs itself out is out at once', async () => {
  const { clientId, access, refresh } = await connect(house, place, ana)
  const { revocation_endpoint: url = '' } = await metadataOf(place)
  const body = new URLSearchParams({ client_id: clientId, token: refresh })
  expect((await ask(url, { method: 'POST', body })).status).toBe(200)
  await until('it is refused', async () => ((await call(place, access)).status === 401 ? true : null))
  const again = await token(place, {
    grant_type: 'refresh_token',
    client_id: clientId,
    refresh_token: refresh,
  })
  expect(again.body['error']).toBe('invalid_grant')
})

test('an endpoint that takes both lets in by token and by signing in', async () => {
  const both = await house.deploy('both')
  const { access } = await connect(house, both, ana)
  expect((await call(both, access)).status).toBe(200)
})

test('connections are listed for the person and for the deployment, and end where either ends them', async () => {
  const bo = await house.person('bo', 'member')
  const own = await house.deploy('oauth')
  const first = await connect(house, own, bo)
  const api = async (path: string, method = 'GET') =>
    ask(`${house.origin}/api/v1${path}`, {
      method,
      headers: {
        cookie: bo.cookie,
        origin: house.origin,
        // People join with their own workspace first, so ours is named.
        'x-catwalk-workspace': house.ctx.actor.workspaceId,
      },
    })
  const id = idIn(await api('/connections'))
  expect((await api(`/connections/${id}`, 'DELETE')).status).toBe(204)
  await until('it is refused', async () => ((await call(own, first.access)).status === 401 ? true : null))
  const second = await connect(house, own, bo)
  const other = idIn(await api(`/deployments/${own.id}/connections`))
  expect((await api(`/deployments/${own.id}/connections/${other}`, 'DELETE')).status).toBe(204)
  await until('it is refused', async () => ((await call(own, second.access)).status === 401 ? true : null))
})

/** The id of the one connection in a list. */
function idIn({ body }: Answer): string {
  // By the contract.
  const items = body['items'] as { id: string; client: { name: string } }[]
  expect(items).toHaveLength(1)
  expect(items[0]?.client.name).toBe('A test')
  return items[0]?.id ?? ''
}
