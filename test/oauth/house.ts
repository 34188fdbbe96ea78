import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { getRequestListener } from '@hono/node-server'
import {
  createApi,
  createOAuthHandlers,
  createPeopleHandlers,
  createAccountHandlers,
} from '../../src/api/index.ts'
import { createAuth, createSetUpLinks, people } from '../../src/auth/index.ts'
import { queries, type Database } from '../../src/db/index.ts'
import {
  createAddressReader,
  Secret,
  type AccessMode,
  type CallRecord,
  type Clock,
  type Endpoint,
  type Role,
} from '../../src/domain/index.ts'
import { createGateway, createRouteTable } from '../../src/gateway/index.ts'
import { createHttpClient, type HttpClient } from '../../src/network/index.ts'
import { followChanges } from '../../src/program/follow-changes.ts'
import { bindServices } from '../../src/program/handlers.ts'
import { createOAuth } from '../../src/program/oauth.ts'
import { createChangeHub, type ServiceContext } from '../../src/services/index.ts'
import { handlersWith } from '../api/support.ts'
import { cookieHeader } from '../auth/support.ts'
import { createWorld } from '../reconciler/world.ts'
import { silentLogger } from '../support/logger.ts'

const PASSWORD = 'correct horse battery'
const ROOT = fileURLToPath(new URL('../..', import.meta.url))

export interface Person {
  readonly id: string
  readonly email: string
  readonly password: string
  readonly cookie: string
}

export interface Place {
  readonly id: string
  readonly slug: string
  readonly endpoint: string
}

/** API, authorization server and gateway on one socket and a real database; servers are played by `endpoint`. */
export interface House extends AsyncDisposable {
  readonly origin: string
  readonly database: Database
  readonly ctx: ServiceContext
  readonly records: readonly CallRecord[]
  /** How far the clock is ahead, in milliseconds. */
  advance(ms: number): void
  deploy(access: AccessMode): Promise<Place>
  /** Somebody with an account; with a role, a member of the workspace that owns the deployments. */
  person(name: string, role?: Role): Promise<Person>
}

export interface HouseOptions {
  /** What answers calls that are let in. */
  readonly endpoint: Endpoint
  readonly http?: HttpClient
  readonly documentHosts?: readonly string[] | null
}

export async function openHouse(options: HouseOptions): Promise<House> {
  const stack = new AsyncDisposableStack()
  const world = stack.use(await createWorld())
  const { database, ctx } = world
  const db = database.kysely
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  stack.defer(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  // A server that listens on TCP has an address with a port.
  const { port } = server.address() as AddressInfo
  const publicUrl = new URL(`http://127.0.0.1:${port}`)
  const { origin } = publicUrl
  let ahead = 0
  const clock: Clock = { now: () => new Date(Date.now() + ahead) }
  const routes = createRouteTable()
  stack.use(
    await followChanges(database, {
      nodeId: 'node_none',
      changes: createChangeHub(),
      reconciler: { poke: () => undefined, [Symbol.asyncDispose]: async () => {} },
      sessions: {
        open: () => Promise.reject(new Error('not asked')),
        heardEnd: () => undefined,
        reload: async () => {},
        [Symbol.asyncDispose]: async () => {},
      },
      routes,
      logger: silentLogger,
    }),
  )
  const { oauth, openAccessToken } = createOAuth({
    db,
    vault: ctx.vault,
    routes,
    clock,
    publicUrl: origin,
    http: options.http ?? createHttpClient({ trustedOrigins: [], userAgent: 'test' }),
    documentHosts: options.documentHosts ?? null,
  })
  const records: CallRecord[] = []
  const gateway = createGateway({
    routes,
    directory: { ready: () => options.endpoint, wake: () => Promise.resolve(options.endpoint) },
    publicUrl: origin,
    openAccessToken,
    allowedHosts: [publicUrl.host],
    maxMessageBytes: 1_000_000,
    limits: {
      tokenPerMinute: 0,
      addressPerMinute: 0,
      refusedPerMinute: 0,
      tokenConcurrency: 100,
      deploymentConcurrency: 100,
      workspacePerMinute: 0,
      workspaceConcurrency: 0,
    },
    logger: silentLogger,
    onRequest: (record) => records.push(record),
    clock,
  })
  const auth = createAuth({
    database: db,
    publicUrl,
    port,
    clock,
    secret: new Secret('s'.repeat(32)),
    logger: silentLogger,
  })
  const setUpLinks = createSetUpLinks({ database: db, publicUrl, workspaceId: ctx.actor.workspaceId, clock })
  const dependencies = { ...ctx, publicUrl: origin, clock }
  const api = createApi({
    publicUrl,
    port,
    auth,
    oauth,
    handlers: handlersWith({
      ...createAccountHandlers({ auth, setUpLinks }),
      ...createPeopleHandlers({ database: db, auth, publicUrl, signUp: 'open' }),
      ...createOAuthHandlers(oauth),
      ...bindServices(dependencies),
      getSetUp: async () => ({ needed: false }),
    }),
    logger: silentLogger,
    clock,
    version: '0',
    readiness: async () => ({ ready: true, checks: {} }),
    metrics: async () => ({ contentType: 'text/plain', text: '' }),
    dashboardDir: `${ROOT}/dist/web`,
    docsDir: `${ROOT}/docs`,
    signal: new AbortController().signal,
    addressOf: createAddressReader(['loopback']),
    requestLimits: { addressPerMinute: 0, actorPerMinute: 0 },
  })
  const answerApi = getRequestListener(api.fetch, { overrideGlobalObjects: false })
  server.on('request', (req, res) => {
    const url = req.url ?? ''
    if (url.startsWith('/mcp/') && !url.includes('/.well-known/')) gateway.handle(req, res)
    else void answerApi(req, res)
  })

  return {
    origin,
    database,
    ctx: dependencies,
    records,
    advance: (ms) => void (ahead += ms),
    async deploy(access) {
      const id = await world.deploy()
      await db
        .updateTable('deployments')
        .set((set) => ({
          access,
          live_release_id: set.selectFrom('releases').select('id').where('deployment_id', '=', id).limit(1),
        }))
        .where('id', '=', id)
        .execute()
      const { slug } = await db
        .selectFrom('deployments')
        .select('slug')
        .where('id', '=', id)
        .executeTakeFirstOrThrow()
      const known = Promise.withResolvers<void>()
      const unwatch = routes.onChange(() => {
        if (routes.find(slug)?.access === access) known.resolve()
      })
      await queries.announce(db, 'deployment', id)
      await known.promise
      unwatch()
      return { id, slug, endpoint: `${origin}/mcp/${slug}` }
    },
    async person(name, role) {
      const email = `${name}@example.com`
      await people.signUp(db, { name, email, password: PASSWORD }, null)
      const { id } = await db
        .selectFrom('users')
        .select('id')
        .where('email', '=', email)
        .executeTakeFirstOrThrow()
      if (role !== undefined) {
        await db
          .insertInto('members')
          .values({ workspace_id: ctx.actor.workspaceId, user_id: id, role })
          .execute()
      }
      const cookie = cookieHeader(await auth.signIn({ email, password: PASSWORD }, new Headers(), null))
      return { id, email, password: PASSWORD, cookie }
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: Readonly<Record<string, unknown>>
}

let callers = 0

/** Asks from an address of its own, unless the headers say another, so that limits are met only where that is tested. */
export async function ask(url: string, init: RequestInit = {}): Promise<Answer> {
  callers++
  const headers = new Headers(init.headers)
  if (!headers.has('x-forwarded-for'))
    headers.set('x-forwarded-for', `198.18.${callers >> 8}.${callers & 255}`)
  const response = await fetch(url, { redirect: 'manual', ...init, headers })
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.includes('json') === true && text !== ''
  // Every JSON answer here is an object.
  const body = isJson ? (JSON.parse(text) as Record<string, unknown>) : { text }
  return { status: response.status, headers: response.headers, body }
}

export async function metadataOf(place: Place): Promise<Readonly<Record<string, string>>> {
  const url = new URL(place.endpoint)
  const path = url.pathname === '/' ? '' : url.pathname
  const { body } = await ask(`${url.origin}/.well-known/oauth-authorization-server${path}`)
  // Of the members that tests read, all are texts.
  return body as Record<string, string>
}

export async function register(
  place: Place,
  metadata: Readonly<Record<string, unknown>> = {},
  from: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const { registration_endpoint: url = '' } = await metadataOf(place)
  return ask(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...from },
    body: JSON.stringify({
      client_name: 'A test',
      redirect_uris: ['https://client.example/callback'],
      token_endpoint_auth_method: 'none',
      ...metadata,
    }),
  })
}

export const verifier = () => randomBytes(32).toString('base64url')
const challengeOf = (text: string) => createHash('sha256').update(text).digest('base64url')

export interface Wish {
  readonly clientId: string
  readonly redirectUri: string
  readonly verifier: string
  readonly more?: Readonly<Record<string, string | null>>
}

/** The address that a client sends the browser to. A member of `more` that is null is left out. */
export async function authorizeUrl(place: Place, wish: Wish): Promise<string> {
  const { authorization_endpoint: base = '' } = await metadataOf(place)
  const url = new URL(base)
  const given = {
    response_type: 'code',
    client_id: wish.clientId,
    redirect_uri: wish.redirectUri,
    code_challenge: challengeOf(wish.verifier),
    code_challenge_method: 'S256',
    state: 'state-of-the-client',
    resource: place.endpoint,
    ...wish.more,
  }
  for (const [name, value] of Object.entries(given)) if (value !== null) url.searchParams.set(name, value)
  return url.href
}

/** What a browser with this person's session gets, without following. */
export async function browse(url: string, person: Pick<Person, 'cookie'> | null): Promise<Answer> {
  return ask(url, person === null ? {} : { headers: { cookie: person.cookie } })
}

/** The sealed request of the consent page that a browser was sent to. */
export function requestIn({ headers }: Answer): string {
  const location = headers.get('location') ?? ''
  const request = new URL(location, 'http://x').searchParams.get('request')
  if (request === null) throw new Error(`not sent to the consent page but to ${location}`)
  return request
}

export async function decide(
  house: Pick<House, 'origin'>,
  person: Pick<Person, 'cookie'>,
  request: string,
  decision: Readonly<Record<string, unknown>> = { allow: true },
): Promise<Answer> {
  return ask(`${house.origin}/api/v1/authorizations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', cookie: person.cookie, origin: house.origin },
    body: JSON.stringify({ request, ...decision }),
  })
}

export async function token(
  place: Place,
  form: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const { token_endpoint: url = '' } = await metadataOf(place)
  return ask(url, { method: 'POST', headers, body: new URLSearchParams(form) })
}

export interface Tokens {
  readonly access: string
  readonly refresh: string
  readonly scope: string
}

export function tokensIn({ status, body }: Answer): Tokens {
  if (status !== 200) throw new Error(`no tokens: ${status} ${JSON.stringify(body)}`)
  return {
    access: String(body['access_token']),
    refresh: String(body['refresh_token']),
    scope: String(body['scope']),
  }
}

export interface Connected extends Tokens {
  readonly clientId: string
  readonly code: string
  readonly form: Readonly<Record<string, string>>
}

/** The whole way of a client that registers itself, with a person who allows it. */
export async function connect(
  house: Pick<House, 'origin'>,
  place: Place,
  person: Pick<Person, 'cookie'>,
  options: { clientId?: string; redirectUri?: string; more?: Wish['more']; decision?: object } = {},
): Promise<Connected> {
  const redirectUri = options.redirectUri ?? 'https://client.example/callback'
  const clientId =
    options.clientId ?? String((await register(place, { redirect_uris: [redirectUri] })).body['client_id'])
  const secret = verifier()
  const wish = { clientId, redirectUri, verifier: secret, ...(options.more ? { more: options.more } : {}) }
  const sent = await browse(await authorizeUrl(place, wish), person)
  const decided = await decide(house, person, requestIn(sent), { allow: true, ...options.decision })
  const back = new URL(String(decided.body['redirect']))
  const code = back.searchParams.get('code') ?? ''
  const form = {
    grant_type: 'authorization_code',
    client_id: clientId,
    code,
    redirect_uri: redirectUri,
    code_verifier: secret,
    resource: place.endpoint,
  }
  return { clientId, code, form, ...tokensIn(await token(place, form)) }
}

/** A `tools/list`-like request to the endpoint. */
export async function call(place: Place, access: string | null, method = 'ping'): Promise<Answer> {
  return ask(place.endpoint, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...(access === null ? {} : { authorization: `Bearer ${access}` }),
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method }),
  })
}
