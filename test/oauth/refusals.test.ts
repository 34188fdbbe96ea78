import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { AccessMode, Endpoint } from '../../src/domain/index.ts'
import {
  ask,
  call,
  connect,
  metadataOf,
  openHouse,
  type Answer,
  type House,
  type Person,
  type Place,
} from './house.ts'

// Every 401 and 403 that no route of the API gives; those are walked in test/api/walk.test.ts.

const ECHO: Endpoint = {
  handle(req, res) {
    req.resume().on('end', () => res.writeHead(200, { 'content-type': 'application/json' }).end('{}'))
  },
  request: () => Promise.reject(new Error('not asked')),
  probe: () => Promise.reject(new Error('not asked')),
}

const MODES = ['token', 'oauth', 'both'] as const satisfies readonly AccessMode[]

let house: House
let ana: Person
const places = new Map<AccessMode, Place>()
beforeAll(async () => {
  house = await openHouse({ endpoint: ECHO })
  ana = await house.person('ana', 'member')
  for (const mode of MODES) places.set(mode, await house.deploy(mode))
})
afterAll(() => house[Symbol.asyncDispose]())

function placeOf(mode: AccessMode): Place {
  const place = places.get(mode)
  if (place === undefined) throw new Error(`There is no endpoint for ${mode}.`)
  return place
}

/** What an answer says is missing, and how to get it. It must name a section of the guides, and a way to sign in. */
async function explanationOf({ status, headers, body }: Answer): Promise<{ what: string; how: string }> {
  expect([401, 403]).toContain(status)
  expect(headers.has('www-authenticate')).toBe(status === 401)
  // An endpoint answers as MCP clients read it, the API in its own words.
  const rpc = body['error'] as { message?: string; data?: Record<string, unknown> } | string
  const { message, help, docs } =
    typeof rpc === 'string'
      ? { message: body['message'], help: body['help'], docs: body['docs'] }
      : { message: rpc.message, help: rpc.data?.['help'], docs: rpc.data?.['docs'] }
  const [page = '', anchor = ''] = String(docs).replace('/docs/', '').split('#')
  const guide = await readFile(new URL(`../../docs/${page}.md`, import.meta.url), 'utf8')
  expect(guide).toMatch(new RegExp(`^#+ .?${anchor.replaceAll('-', '[-_]')}`, 'm'))
  return { what: String(message), how: String(help) }
}

const saying = (what: RegExp, how: RegExp) => ({
  what: expect.stringMatching(what),
  how: expect.stringMatching(how),
})

const WAYS = {
  token: saying(/needs a valid token/, /Send an endpoint token.*Make a new one/),
  oauth: saying(/wants you to sign in/, /opens a page to sign in/),
  both: saying(/wants you to sign in/, /opens a page to sign in, or send an endpoint token/),
} satisfies Record<(typeof MODES)[number], object>

test.each(MODES)('an endpoint of mode %s says what opens it, whatever was shown', async (mode) => {
  const place = placeOf(mode)
  // A token of another endpoint, whose holder signed in there.
  const { access } = await connect(house, placeOf(mode === 'oauth' ? 'both' : 'oauth'), ana)
  for (const shown of [null, 'cwt_wrong', 'cwk_an-api-key', access]) {
    const answer = await call(place, shown)
    expect(await explanationOf(answer)).toEqual(WAYS[mode])
    expect(answer.headers.get('www-authenticate')?.includes('error="invalid_token"')).toBe(shown !== null)
  }
})

test('an endpoint that does not exist says no more than one that takes tokens', async () => {
  const answer = await call({ ...placeOf('token'), endpoint: `${house.origin}/mcp/none` }, null)
  expect(await explanationOf(answer)).toEqual(WAYS.token)
})

test('pages of other sites are told how to be let in', async () => {
  const answer = await ask(placeOf('token').endpoint, {
    method: 'POST',
    headers: { origin: 'https://evil.example' },
  })
  expect(await explanationOf(answer)).toEqual(
    saying(/Pages of this origin may not call/, /allow the origin for this endpoint/),
  )
})

const form = (members: Readonly<Record<string, string>>) => ({
  method: 'POST',
  headers: { 'content-type': 'application/x-www-form-urlencoded' },
  body: new URLSearchParams({ grant_type: 'authorization_code', token: 'x', ...members }).toString(),
})

test.each(['/oauth/token', '/oauth/revoke'])(
  '%s says what is wrong with a client, and where to read on',
  async (path) => {
    const { token_endpoint: server } = await metadataOf(placeOf('oauth'))
    const address = (server ?? '').replace(/\/token$/, path.replace('/oauth', ''))
    for (const [members, what] of [
      [{}, /does not say which it is/],
      [{ client_id: 'nobody' }, /client/],
    ] as const) {
      const { status, headers, body } = await ask(address, form(members))
      expect({ status, error: body['error'] }).toEqual({ status: 401, error: 'invalid_client' })
      expect(headers.get('www-authenticate')).toMatch(/^Basic/)
      expect(body['error_description']).toMatch(what)
      expect(body['error_uri']).toBe(`${house.origin}/docs/oauth`)
    }
  },
)

test.each([
  ['/metrics', {}, /Metrics are shown to API keys/, /Sign in, or send an API key/],
  ['/metrics', { authorization: 'Bearer cwk_wrong' }, /Metrics are shown to API keys/, /API key/],
  [
    '/api/v1/me',
    { authorization: 'Bearer cwt_of-an-endpoint' },
    /is an endpoint token/,
    /Send an API key.*Make one/,
  ],
  ['/api/v1/me', { cookie: 'catwalk.session_token=gone.x' }, /session has ended/, /Sign in/],
] as const)('%s with %j says what is missing and how to get it', async (path, headers, what, how) => {
  expect(await explanationOf(await ask(house.origin + path, { headers }))).toEqual(saying(what, how))
})

test('a wrong password, and a request that another site had sent, are told apart', async () => {
  const enter = (headers: Record<string, string>) =>
    ask(`${house.origin}/api/auth/sign-in/email`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ email: ana.email, password: 'wrong wrong wrong' }),
    })
  const wrong = await enter({ origin: house.origin })
  expect(wrong.body).toMatchObject({
    error: 'invalid_credentials',
    help: expect.stringMatching(/Check both/),
  })
  const foreign = await enter({ origin: 'https://evil.example' })
  expect(await explanationOf(foreign)).toEqual(
    saying(/does not come from a page of this Catwalk/, /Open the dashboard at its public URL/),
  )
})
