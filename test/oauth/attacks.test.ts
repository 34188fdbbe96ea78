import { fileURLToPath } from 'node:url'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { people } from '../../src/auth/index.ts'
import { queries } from '../../src/db/index.ts'
import type { Endpoint } from '../../src/domain/index.ts'
import { changeSettings } from '../../src/services/index.ts'
import { startBridge } from '../bridge/bridge-server.ts'
import { connectClient } from '../support/mcp-client.ts'
import { until } from '../support/until.ts'
import { startDocuments, type Documents } from './documents.ts'
import {
  ask,
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
  type Answer,
  type House,
  type Person,
  type Place,
} from './house.ts'

const CALLBACK = 'https://client.example/callback'

/** Requests that reached the server. */
let reached = 0
const SERVER: Endpoint = {
  handle(req, res, caller) {
    reached++
    req.resume().on('end', () => {
      res.writeHead(200, { 'content-type': 'application/json' })
      res.end(JSON.stringify({ subject: caller.subject, scope: caller.scope }))
    })
  },
  request: () => Promise.reject(new Error('not asked')),
  probe: () => Promise.reject(new Error('not asked')),
}

let documents: Documents
let house: House
let ana: Person
let place: Place
beforeAll(async () => {
  documents = await startDocuments({
    'inside.example': ['10.0.0.7'],
    'metadata.example': ['169.254.169.254'],
    // First a public address, then one of the machine itself: what a rebinding name answers.
    'rebound.example': ['93.184.215.14', '127.0.0.1'],
    'nowhere.example': [],
  })
  house = await openHouse({ endpoint: SERVER, http: documents.http })
  ana = await house.person('ana', 'member')
  place = await house.deploy('oauth')
})
afterAll(async () => {
  await house[Symbol.asyncDispose]()
  await documents[Symbol.asyncDispose]()
})

async function newClient(at = place, redirectUri = CALLBACK): Promise<string> {
  return String((await register(at, { redirect_uris: [redirectUri] })).body['client_id'])
}

const untilRefused = (at: Place, access: string) =>
  until('it is refused', async () => ((await call(at, access)).status === 401 ? true : null))

describe('who has got hold of a code does not win', () => {
  test('a token, by redeeming it again; and the tokens of the first time end', async () => {
    const { form, access, clientId, refresh } = await connect(house, place, ana)
    expect((await call(place, access)).status).toBe(200)
    expect((await token(place, form)).body).toMatchObject({ error: 'invalid_grant' })
    await untilRefused(place, access)
    const again = { grant_type: 'refresh_token', client_id: clientId, refresh_token: refresh }
    expect((await token(place, again)).body).toMatchObject({ error: 'invalid_grant' })
  })

  test.each([
    ['another verifier', { code_verifier: verifier() }],
    ['the challenge in the place of the verifier', null],
    ['another redirect', { redirect_uri: 'https://evil.example/callback' }],
    ['another client', 'client'],
  ] as const)('a token, with %s', async (_, change) => {
    const clientId = await newClient()
    const secret = verifier()
    const wish = { clientId, redirectUri: CALLBACK, verifier: secret }
    const url = await authorizeUrl(place, wish)
    const { body } = await decide(house, ana, requestIn(await browse(url, ana)))
    const code = new URL(String(body['redirect'])).searchParams.get('code') ?? ''
    const form = {
      grant_type: 'authorization_code',
      client_id: change === 'client' ? await newClient() : clientId,
      code,
      redirect_uri: CALLBACK,
      code_verifier: change === null ? (new URL(url).searchParams.get('code_challenge') ?? '') : secret,
      ...(typeof change === 'object' ? change : {}),
    }
    expect((await token(place, form)).body).toMatchObject({ error: 'invalid_grant' })
  })

  test('a token, once it is old', async () => {
    const clientId = await newClient()
    const secret = verifier()
    const url = await authorizeUrl(place, { clientId, redirectUri: CALLBACK, verifier: secret })
    const { body } = await decide(house, ana, requestIn(await browse(url, ana)))
    const code = new URL(String(body['redirect'])).searchParams.get('code') ?? ''
    house.advance(5 * 60_000)
    const form = { client_id: clientId, code, redirect_uri: CALLBACK, code_verifier: secret }
    expect((await token(place, { grant_type: 'authorization_code', ...form })).body).toMatchObject({
      error: 'invalid_grant',
    })
  })
})

describe('a request made by an attacker does not win', () => {
  test.each([
    ['a code without PKCE', { code_challenge: null, code_challenge_method: null }],
    ['a code with a plain challenge', { code_challenge_method: 'plain' }],
    ['a code with a challenge and no method', { code_challenge_method: null }],
    ['a token in the address (implicit grant)', { response_type: 'token' }],
    ['an answer that is posted by a form', { response_mode: 'form_post' }],
    ['a request that is fetched from elsewhere', { request_uri: 'https://evil.example/request' }],
    ['a code for an endpoint elsewhere', { resource: 'https://evil.example/mcp/x' }],
  ])('%s', async (_, more) => {
    const wish = { clientId: await newClient(), redirectUri: CALLBACK, verifier: verifier() }
    const { status, headers } = await browse(await authorizeUrl(place, { ...wish, more }), ana)
    const to = new URL(headers.get('location') ?? '')
    expect([status, to.origin + to.pathname]).toEqual([302, CALLBACK])
    expect(to.searchParams.get('error')).not.toBeNull()
    expect(to.searchParams.get('code')).toBeNull()
    expect(to.searchParams.get('iss')).toBe(place.endpoint)
  })

  test.each([
    'https://evil.example/callback',
    'https://client.example/callback/../evil',
    'https://client.example/callback?to=evil',
    'https://client.example.evil.example/callback',
    'https://client.example@evil.example/callback',
    'https://client.example/callback#x',
    '//evil.example/callback',
    'javascript:alert(document.domain)',
    'data:text/html,x',
  ])('a way to send people elsewhere: %s (open redirect)', async (redirectUri) => {
    const wish = { clientId: await newClient(), redirectUri, verifier: verifier() }
    // Also not with an error, which would send them just as well.
    for (const more of [{}, { response_type: 'nonsense' }]) {
      const { status, headers, body } = await browse(await authorizeUrl(place, { ...wish, more }), ana)
      expect([status, headers.get('location')]).toEqual([400, null])
      expect(body['text']).toContain('You were sent nowhere')
      expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    }
  })

  test('a parameter that is there twice, of which two readers take another', async () => {
    const url = await authorizeUrl(place, {
      clientId: await newClient(),
      redirectUri: CALLBACK,
      verifier: verifier(),
    })
    const twice = await browse(`${url}&redirect_uri=https%3A%2F%2Fevil.example`, ana)
    expect([twice.status, twice.headers.get('location')]).toEqual([400, null])
    const scope = await browse(`${url}&scope=mcp%3Aread&scope=mcp%3Atools`, ana)
    expect(scope.headers.get('location')).toContain('error=invalid_request')
  })

  test('the page of an error, by what it puts into the address', async () => {
    const wish = { clientId: '<script>alert(1)</script>', redirectUri: CALLBACK, verifier: verifier() }
    const { status, body } = await browse(await authorizeUrl(place, wish), ana)
    expect(status).toBe(400)
    expect(body['text']).not.toContain('<script>')
  })

  test.each(['http://evil.example/callback', 'javascript:alert(1)', 'https://a@evil.example/', 'file:///x'])(
    'a registration with the redirect %s',
    async (uri) => {
      const { status, body } = await register(place, { redirect_uris: [uri] })
      expect([status, body['error']]).toEqual([400, 'invalid_redirect_uri'])
    },
  )

  test('a name that turns the page around or breaks its lines', async () => {
    const { body } = await register(place, { client_name: 'Clau\u202Ede\n \u200Bof  Anthropic' })
    expect(body['client_name']).toBe('Claude of Anthropic')
  })
})

describe('a client does not win', () => {
  test('another endpoint, with the token for one (audience confusion)', async () => {
    const other = await house.deploy('oauth')
    const { access, form } = await connect(house, place, ana)
    const before = reached
    expect((await call(other, access)).status).toBe(401)
    expect(reached).toBe(before)
    expect((await token(other, form)).body['error']).toBe('invalid_client')
    const own = await connect(house, other, ana)
    const crossed = { grant_type: 'refresh_token', client_id: own.clientId, refresh_token: own.refresh }
    expect((await token(other, { ...crossed, resource: place.endpoint })).body['error']).toBe(
      'invalid_target',
    )
    expect((await token(place, crossed)).body['error']).toBe('invalid_client')
  })

  test('the token-only endpoint beside it, with an access token', async () => {
    const tokens = await house.deploy('token')
    const { access } = await connect(house, place, ana)
    expect((await call(tokens, access)).status).toBe(401)
  })

  test('our token for the server behind the endpoint (token passthrough)', async () => {
    const server = fileURLToPath(new URL('fixtures/recording-server.ts', import.meta.url))
    await using bridge = await startBridge([process.execPath, server])
    await using own = await openHouse({ endpoint: bridge.bridge })
    const eve = await own.person('eve', 'member')
    const at = await own.deploy('oauth')
    const { access, refresh, code } = await connect(own, at, eve)
    await using client = await connectClient(at.endpoint, access)
    const all = JSON.stringify(await client.callTool({ name: 'seen', arguments: {} }))
    expect(all).toContain('tools/call')
    for (const secret of [access, refresh, code, eve.cookie]) expect(all).not.toContain(secret)
    expect(all).not.toMatch(/cw[acr]_|bearer/i)
  })

  test('anything with a token in the address', async () => {
    const { access } = await connect(house, place, ana)
    for (const name of ['access_token', 'token', 'authorization', 'bearer']) {
      expect((await call({ ...place, endpoint: `${place.endpoint}?${name}=${access}` }, null)).status).toBe(
        401,
      )
    }
  })

  test('more than was allowed, by asking for it at a refresh', async () => {
    const { clientId, refresh } = await connect(house, place, ana, { more: { scope: 'mcp:read' } })
    const form = { grant_type: 'refresh_token', client_id: clientId, refresh_token: refresh }
    expect(tokensIn(await token(place, { ...form, scope: 'mcp:read mcp:tools' })).scope).toBe('mcp:read')
  })

  test('what another client was allowed, by its remembered consent (confused deputy)', async () => {
    await connect(house, place, ana)
    const wish = { redirectUri: CALLBACK, verifier: verifier() }
    const sent = await browse(await authorizeUrl(place, { ...wish, clientId: await newClient() }), ana)
    expect(sent.headers.get('location')).toMatch(/^\/consent\?/)
  })

  test('a remembered consent at another endpoint, or with another redirect of the same client', async () => {
    const redirects = [CALLBACK, 'https://client.example/other']
    const { body } = await register(place, { redirect_uris: redirects })
    const clientId = String(body['client_id'])
    await connect(house, place, ana, { clientId })
    const again = { clientId, verifier: verifier() }
    const same = await browse(await authorizeUrl(place, { ...again, redirectUri: CALLBACK }), ana)
    expect(same.headers.get('location')).toContain('code=')
    const other = await browse(await authorizeUrl(place, { ...again, redirectUri: redirects[1] ?? '' }), ana)
    expect(other.headers.get('location')).toMatch(/^\/consent\?/)
  })

  test('a code without a question, on the own machine where any program can listen', async () => {
    const redirectUri = 'http://localhost:5000/callback'
    const clientId = await newClient(place, redirectUri)
    await connect(house, place, ana, { clientId, redirectUri })
    const again = { clientId, redirectUri: 'http://localhost:6000/callback', verifier: verifier() }
    expect((await browse(await authorizeUrl(place, again), ana)).headers.get('location')).toMatch(
      /^\/consent\?/,
    )
  })

  test('a second use of a refresh token; and both who have it are out', async () => {
    const { clientId, refresh, access } = await connect(house, place, ana)
    const form = { grant_type: 'refresh_token', client_id: clientId, refresh_token: refresh }
    const thief = tokensIn(await token(place, form))
    expect((await call(place, thief.access)).status).toBe(200)
    expect((await token(place, form)).body['error']).toBe('invalid_grant')
    await untilRefused(place, thief.access)
    await untilRefused(place, access)
    expect((await token(place, { ...form, refresh_token: thief.refresh })).body['error']).toBe(
      'invalid_grant',
    )
    const entries = await house.database.kysely
      .selectFrom('audit_entries')
      .select('action')
      .where('action', '=', 'connection.refresh_reused')
      .execute()
    expect(entries.length).toBeGreaterThan(0)
  })

  test('two refreshes of one token at the same moment', async () => {
    const { clientId, refresh } = await connect(house, place, ana)
    const form = { grant_type: 'refresh_token', client_id: clientId, refresh_token: refresh }
    const answers = await Promise.all([token(place, form), token(place, form)])
    expect(answers.filter(({ status }) => status === 200).length).toBeLessThanOrEqual(1)
  })

  test('a code at a server that it was not sent to: each answer names its issuer (mix-up)', async () => {
    const other = await house.deploy('oauth')
    const [ours, theirs] = await Promise.all([metadataOf(place), metadataOf(other)])
    expect(ours['issuer']).not.toBe(theirs['issuer'])
    const { form } = await connect(house, place, ana)
    const code = { ...form, client_id: await newClient(other) }
    expect((await token(other, code)).body['error']).toBe('invalid_grant')
  })

  test('a code for another endpoint than the one that was asked, or for one that is only written like it', async () => {
    const other = await house.deploy('oauth')
    const wish = { clientId: await newClient(), redirectUri: CALLBACK, verifier: verifier() }
    for (const resource of [
      other.endpoint,
      `${house.origin}.evil.example/mcp/${place.slug}`,
      `${place.endpoint}/../${other.slug}`,
      `${place.endpoint}?x`,
      `${place.endpoint}#x`,
    ]) {
      const asked = await authorizeUrl(place, { ...wish, more: { resource } })
      expect((await browse(asked, ana)).headers.get('location')).toContain('error=invalid_target')
    }
  })
})

describe('a page of somebody else does not win', () => {
  test.each([{ origin: 'https://evil.example' }, { origin: 'null' }, { 'sec-fetch-site': 'cross-site' }, {}])(
    'a consent that nobody gave, by sending it with the cookie of the person and %j (CSRF)',
    async (from) => {
      const { status } = await ask(`${house.origin}/api/v1/authorizations`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', cookie: ana.cookie, ...from },
        body: JSON.stringify({ request: await waiting(), allow: true }),
      })
      expect(status).toBe(403)
    },
  )

  test('a consent by a form, which needs no permission to be sent', async () => {
    const { status } = await ask(`${house.origin}/api/v1/authorizations`, {
      method: 'POST',
      headers: { 'content-type': 'text/plain', cookie: ana.cookie, origin: house.origin },
      body: JSON.stringify({ request: await waiting(), allow: true }),
    })
    expect(status).toBe(400)
  })

  test('a click of the person, by showing the page of consent in a frame (clickjacking)', async () => {
    const { headers } = await ask(`${house.origin}/consent?request=x`, { headers: { cookie: ana.cookie } })
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    expect(headers.get('x-frame-options')).toBe('DENY')
  })

  test('a request of its own making, or of another person', async () => {
    const made = Buffer.from(JSON.stringify({ clientId: 'x', redirectUri: 'https://evil.example' }))
    for (const request of [made.toString('base64url'), `${await waiting()}A`, 'x']) {
      expect((await decide(house, ana, request)).body['error']).toBe('authorization_expired')
    }
    const mallory = await house.person('mallory')
    const answer = await decide(house, mallory, await waiting())
    expect([answer.status, answer.body['error']]).toEqual([403, 'authorization_not_allowed'])
  })

  test('a request that waited for too long', async () => {
    const request = await waiting()
    house.advance(15 * 60_000)
    expect((await decide(house, ana, request)).body['error']).toBe('authorization_expired')
  })
})

describe('somebody who was let in does not win', () => {
  test('a call after they were removed from the workspace', async () => {
    const bo = await house.person('bo', 'member')
    const { access, clientId, refresh } = await connect(house, place, bo)
    expect((await call(place, access)).status).toBe(200)
    const { kysely } = house.database
    await people.removeMember(kysely, { ...house.ctx.actor, kind: 'system' }, bo.id)
    await untilRefused(place, access)
    const again = { grant_type: 'refresh_token', client_id: clientId, refresh_token: refresh }
    expect((await token(place, again)).body['error']).toBe('invalid_grant')
  })

  test('a call after their account is gone', async () => {
    const cy = await house.person('cy', 'member')
    const { access } = await connect(house, place, cy)
    const { kysely } = house.database
    await kysely.deleteFrom('users').where('id', '=', cy.id).execute()
    await untilRefused(place, access)
    expect((await call(place, access)).body['subject']).toBeUndefined()
  })

  test('tools, after they became a viewer; or as one from the start', async () => {
    const di = await house.person('di', 'member')
    const { access } = await connect(house, place, di)
    await people.changeRole(house.database.kysely, { ...house.ctx.actor, kind: 'system' }, di.id, 'viewer')
    await until('it only reads', async () =>
      (await call(place, access)).body['scope'] === 'read' ? true : null,
    )
    expect((await connect(house, place, di)).scope).toBe('mcp:read')
  })

  test('a call after the endpoint was set to tokens only', async () => {
    const closing = await house.deploy('oauth')
    const { access, clientId, refresh } = await connect(house, closing, ana)
    const metadata = await metadataOf(closing)
    await changeSettings(house.ctx, { params: { id: closing.id }, body: { access: 'token' } })
    await untilRefused(closing, access)
    const body = new URLSearchParams({
      grant_type: 'refresh_token',
      client_id: clientId,
      refresh_token: refresh,
    })
    expect((await ask(metadata['token_endpoint'] ?? '', { method: 'POST', body })).status).toBe(404)
  })

  test('a call with a token that has expired', async () => {
    const { access } = await connect(house, place, ana)
    house.advance(3600_000)
    const { status, headers } = await call(place, access)
    expect(status).toBe(401)
    expect(headers.get('www-authenticate')).toContain('error="invalid_token"')
  })
})

describe('whoever names a metadata document does not win', () => {
  test.each([
    'https://127.0.0.1:1/client.json',
    'https://[::1]/client.json',
    'https://10.0.0.1/client.json',
    'https://169.254.169.254/latest/meta-data',
    'https://[::ffff:127.0.0.1]/client.json',
    'https://inside.example/client.json',
    'https://metadata.example/client.json',
    'https://rebound.example/client.json',
    'https://nowhere.example/client.json',
    'http://client.example/client.json',
    'https://user:secret@client.example/client.json',
    'https://client.example/client.json#fragment',
    'https://client.example/a/../client.json',
    'https://client.example',
    'https://client.example/',
    'HTTPS://CLIENT.example/client.json',
  ])('a look at our network, by the client id %s (SSRF)', async (id) => {
    const { status, headers, body } = await authorizeAs(id)
    expect([status, headers.get('location')]).toEqual([400, null])
    // Where a name leads in here is nobody's business outside.
    const told = String(body['text']).replaceAll(new URL(id).hostname, '')
    expect(told).not.toMatch(/10\.0\.0\.7|127\.0|169\.254|ECONN/)
  })

  test('another address, by a redirect to it', async () => {
    const target = documents.put('/target.json', { redirect_uris: [CALLBACK] })
    const id = documents.answer('/moved.json', (_, res) => res.writeHead(302, { location: target }).end())
    expect((await authorizeAs(id)).status).toBe(400)
    expect(documents.asked).not.toContain('/target.json')
  })

  test('our memory, by an answer that is huge or never ends', async () => {
    const endless = documents.answer('/endless.json', (_, res) => {
      res.writeHead(200, { 'content-type': 'application/json' })
      const more = (): void => void (res.destroyed || res.write(' '.repeat(65_536), more))
      more()
    })
    expect((await authorizeAs(endless)).status).toBe(400)
  })

  test.each([
    ['another client', { client_id: 'https://other.example/client.json' }],
    ['no redirect', { redirect_uris: [] }],
    ['a redirect that runs', { redirect_uris: ['javascript:alert(1)'] }],
    ['a secret', { client_secret: 'x' }],
    ['a proof that we do not check', { token_endpoint_auth_method: 'private_key_jwt' }],
  ])('a client, with a document of %s', async (what, change) => {
    const path = `/${what.replaceAll(' ', '-')}.json`
    const id = documents.put(path, { client_name: 'X', redirect_uris: [CALLBACK], ...change })
    expect((await authorizeAs(id)).status).toBe(400)
  })

  test('a client, with a page that is no JSON', async () => {
    const id = documents.answer('/page.json', (_, res) =>
      res.writeHead(200, { 'content-type': 'text/html' }).end('{}'),
    )
    expect((await authorizeAs(id)).status).toBe(400)
  })

  test('a fetch for each request: a document is kept as long as it says', async () => {
    const id = documents.put(
      '/kept.json',
      { client_name: 'Kept', redirect_uris: [CALLBACK] },
      { 'cache-control': 'max-age=600' },
    )
    const count = () => documents.asked.filter((path) => path === '/kept.json').length
    for (const expected of [1, 1]) {
      expect((await authorizeAs(id)).status).toBe(302)
      expect(count()).toBe(expected)
    }
    house.advance(601_000)
    expect((await authorizeAs(id)).status).toBe(302)
    expect(count()).toBe(2)
  })
})

describe('a flood does not win', () => {
  test('a table full of clients: registering is limited, and what is not used expires', async () => {
    await using own = await openHouse({ endpoint: SERVER })
    const flooded = await own.deploy('oauth')
    const statuses: number[] = []
    const from = { 'x-forwarded-for': '192.0.2.9' }
    for (let count = 0; count < 31; count++) statuses.push((await register(flooded, {}, from)).status)
    expect(statuses.slice(0, 30).every((status) => status === 201)).toBe(true)
    expect(statuses.at(-1)).toBe(429)
    const { kysely } = own.database
    await sql`update oauth_clients set created_at = now() - interval '25 hours'`.execute(kysely)
    await queries.deleteEndedOAuth(kysely)
    expect(await queries.countUnusedOAuthClients(kysely, flooded.id)).toBe(0)
  })
})

async function waiting(): Promise<string> {
  const wish = { clientId: await newClient(), redirectUri: CALLBACK, verifier: verifier() }
  return requestIn(await browse(await authorizeUrl(place, wish), ana))
}

async function authorizeAs(clientId: string): Promise<Answer> {
  const wish = { clientId, redirectUri: CALLBACK, verifier: verifier() }
  return browse(await authorizeUrl(place, wish), ana)
}
