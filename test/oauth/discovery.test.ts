import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Endpoint } from '../../src/domain/index.ts'
import { startDocuments, type Documents } from './documents.ts'
import { ask, call, connect, openHouse, type House, type Person, type Place } from './house.ts'

const NOBODY: Endpoint = {
  handle: (_, res) => void res.writeHead(200, { 'content-type': 'application/json' }).end('{}'),
  request: () => Promise.reject(new Error('not asked')),
  probe: () => Promise.reject(new Error('not asked')),
}

let documents: Documents
let house: House
let ana: Person
let place: Place
beforeAll(async () => {
  documents = await startDocuments()
  house = await openHouse({ endpoint: NOBODY, http: documents.http })
  ana = await house.person('ana', 'member')
  place = await house.deploy('oauth')
})
afterAll(async () => {
  await house[Symbol.asyncDispose]()
  await documents[Symbol.asyncDispose]()
})

const PRM = '/.well-known/oauth-protected-resource'
const AS = '/.well-known/oauth-authorization-server'
const OIDC = '/.well-known/openid-configuration'

interface Sequence {
  readonly client: string
  /** Paths in the order of asking, `*` for the endpoint's; each with whether an answer is needed there. */
  readonly paths: readonly (readonly [path: string, needed: boolean])[]
  readonly by: 'document' | 'registration'
  readonly redirect: string
}

/** What each client asks on its way, from its documentation and what is known of its requests. */
const SEQUENCES: readonly Sequence[] = [
  {
    client: 'Claude on the web, the phone and the desktop',
    paths: [
      [`${PRM}*`, true],
      [`${AS}*`, true],
    ],
    by: 'document',
    redirect: 'https://claude.ai/api/mcp/auth_callback',
  },
  {
    client: 'Claude under its other name, without a document',
    paths: [
      [`${PRM}*`, true],
      [`${AS}*`, true],
    ],
    by: 'registration',
    redirect: 'https://claude.com/api/mcp/auth_callback',
  },
  {
    client: 'Claude Code',
    paths: [
      [`${PRM}*`, true],
      [`${AS}*`, true],
    ],
    by: 'registration',
    redirect: 'http://localhost:54545/callback',
  },
  {
    client: 'ChatGPT',
    // It looks at the root as well, where an answer is not needed.
    paths: [
      [PRM, false],
      [`${PRM}*`, true],
      [AS, false],
      [`${AS}*`, true],
      [`${OIDC}*`, true],
      [`*${OIDC}`, true],
    ],
    by: 'document',
    redirect: 'https://chatgpt.com/connector/oauth/abcDEF123',
  },
  {
    client: 'Cursor',
    paths: [
      [`${PRM}*`, true],
      [`${AS}*`, true],
    ],
    by: 'registration',
    redirect: 'cursor://anysphere.cursor-mcp/oauth/callback',
  },
  {
    client: 'VS Code',
    paths: [
      [`${PRM}*`, true],
      [`${AS}*`, true],
      [`${OIDC}*`, true],
    ],
    by: 'registration',
    redirect: 'http://127.0.0.1:33418/',
  },
]

const at = (path: string, { slug }: Place) => house.origin + path.replace('*', `/mcp/${slug}`)

describe.each(SEQUENCES)('$client', ({ client, paths, by, redirect }) => {
  test('finds its way from a bare call to a call with its token', async () => {
    const bare = await call(place, null, 'initialize')
    expect(bare.status).toBe(401)
    const told = /resource_metadata="([^"]+)"/.exec(bare.headers.get('www-authenticate') ?? '')?.[1]
    expect(told).toBe(at(`${PRM}*`, place))
    for (const [path, needed] of paths) {
      const { status, body } = await ask(at(path, place))
      // Both kinds of documents name who they are of, to the letter.
      const named = body[path.includes('protected-resource') ? 'resource' : 'issuer']
      const whole = path.includes('*') ? place.endpoint : house.origin
      expect({ path, status, named }).toEqual(
        needed || status === 200
          ? { path, status: 200, named: whole }
          : { path, status: 404, named: undefined },
      )
    }
    const clientId =
      by === 'document'
        ? documents.put(`/${encodeURIComponent(client)}.json`, {
            client_name: client,
            redirect_uris: [redirect],
            token_endpoint_auth_method: 'none',
          })
        : undefined
    const { access } = await connect(house, place, ana, {
      redirectUri: redirect,
      ...(clientId === undefined ? {} : { clientId }),
    })
    expect((await call(place, access)).status).toBe(200)
  })

  test('finds nothing at an endpoint that takes only tokens, so that it uses the one it was given', async () => {
    const tokens = await house.deploy('token')
    const bare = await call(tokens, null)
    expect(bare.headers.get('www-authenticate')).toBe('Bearer')
    for (const [path] of [...paths, [PRM], [AS], [OIDC]] as const) {
      const { status } = await ask(at(path, tokens))
      expect({ path, status }).toEqual({ path, status: 404 })
    }
  })
})

test('a program on another port of the own machine than it registered is let in (VS Code, Claude Code)', async () => {
  const id = documents.put('/ports.json', {
    client_name: 'Any port',
    redirect_uris: ['http://localhost/callback', 'http://127.0.0.1/callback'],
  })
  for (const redirectUri of ['http://localhost:1024/callback', 'http://127.0.0.1:65535/callback']) {
    expect((await connect(house, place, ana, { clientId: id, redirectUri })).access).toMatch(/^cwa_/)
  }
})

test('a client of 2025-03-26 finds the server at the root while all endpoints let people sign in', async () => {
  await using own = await openHouse({ endpoint: NOBODY })
  const bo = await own.person('bo', 'member')
  const only = await own.deploy('both')
  for (const path of [PRM, AS, OIDC]) expect((await ask(own.origin + path)).status).toBe(200)
  const { body } = await ask(own.origin + AS)
  expect(body['issuer']).toBe(own.origin)
  // It names no resource; there is one endpoint only.
  const root: Place = { ...only, endpoint: own.origin }
  const { access } = await connect(own, root, bo, { more: { resource: null } })
  expect((await call(only, access)).status).toBe(200)
  await own.deploy('token')
  for (const path of [PRM, AS, OIDC]) expect((await ask(own.origin + path)).status).toBe(404)
})

test('the issuer of an endpoint needs no resource to know which one is meant', async () => {
  const { access } = await connect(house, place, ana, { more: { resource: null } })
  expect((await call(place, access)).status).toBe(200)
})

test('pages of any origin may read discovery and ask for tokens, as the inspector does', async () => {
  const { headers } = await ask(at(`${AS}*`, place), { headers: { origin: 'http://localhost:6274' } })
  expect(headers.get('access-control-allow-origin')).toBe('*')
  const preflight = await ask(`${house.origin}/oauth/${place.slug}/token`, { method: 'OPTIONS' })
  expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([204, '*'])
})
