import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  createAccountHandlers,
  createApi,
  createOAuthHandlers,
  createPeopleHandlers,
  type Handlers,
} from '../../src/api/index.ts'
import { createAuth, createSetUpLinks, people } from '../../src/auth/index.ts'
import { API_SCOPES, routes, type ApiScope, type Route, type RouteName } from '../../src/contract/index.ts'
import { newId, Secret, systemClock, type Role } from '../../src/domain/index.ts'
import { bindServices } from '../../src/program/handlers.ts'
import {
  createDoctor,
  createKeyAdministration,
  createCollection,
  createToken,
} from '../../src/services/index.ts'
import { parseKeyRing } from '../../src/vault/index.ts'
import { cookieHeader, tokenOf } from '../auth/support.ts'
import { createWorld, packages, type World } from '../reconciler/world.ts'
import { silentLogger } from '../support/logger.ts'
import { apiOptions, NO_SIGN_IN, ORIGIN, PORT } from './support.ts'

interface Row {
  /** The least that a caller must be. */
  readonly least: 'anybody' | Role | 'installation'
  /** What the owner of another workspace gets: nothing of ours is there, or the route is about their own things. */
  readonly stranger: 'not_found' | 'own'
  readonly params?: Readonly<Record<string, string>>
  readonly body?: unknown
}

const PASSWORD = 'correct horse battery'
const NOBODY = 'user_00000000000000000000000000'
const own = (least: Row['least'], body?: unknown, params?: Row['params']): Row => ({
  least,
  stranger: 'own',
  ...(body === undefined ? {} : { body }),
  ...(params === undefined ? {} : { params }),
})
/** Routes about one thing of ours; `ids` is filled in once it exists. */
const ours = (least: Role, body?: unknown, params?: Row['params']): Row => ({
  least,
  stranger: 'not_found',
  ...(body === undefined ? {} : { body }),
  ...(params === undefined ? {} : { params }),
})

const collection = (least: Role, body?: unknown, params?: Row['params']): Row =>
  ours(least, body, { id: 'collection', ...params })

/** What each may do, written down apart from the contract: a route that is not here fails the test. */
const TABLE: Readonly<Record<RouteName, Row>> = {
  getSetUp: own('anybody'),
  setUp: own('anybody', { token: 'x', name: 'X', email: 'x@example.com', password: PASSWORD }),
  getSignUp: own('anybody'),
  signUp: own('anybody', { name: 'X', email: 'x@example.com', password: PASSWORD }),
  lookAtInvitation: own('anybody', { token: 'x' }),
  joinByInvitation: own('anybody', { token: 'x', name: 'X', email: 'x@example.com', password: PASSWORD }),
  resetPassword: own('anybody', { token: 'x', password: PASSWORD }),

  startDeviceLogin: own('anybody', { client: 'walk' }),
  collectDeviceLogin: own('anybody', { deviceCode: 'x' }),
  lookAtDeviceLogin: own('viewer', undefined, { userCode: 'BCDF-GHJK' }),
  decideDeviceLogin: own('viewer', { approve: false }, { userCode: 'BCDF-GHJK' }),

  finishSignIn: own('anybody', { code: '123456' }),
  startPasskeySignIn: own('anybody'),
  finishPasskeySignIn: own('anybody', { response: { id: 'x' } }),
  startProviderSignIn: own('anybody', { back: '/' }, { provider: 'github' }),
  requestPasswordReset: own('anybody', { email: 'nobody@example.com' }),
  verifyEmail: own('anybody', { token: 'x' }),
  sendEmailVerification: own('viewer'),
  linkAccount: own('viewer', { password: 'wrong' }, { provider: 'github' }),
  unlinkAccount: own('viewer', { password: 'wrong' }, { provider: 'github' }),
  getSignInWays: own('viewer'),
  startSecondFactor: own('viewer', { password: 'wrong' }),
  confirmSecondFactor: own('viewer', { code: '123456' }),
  renewRecoveryCodes: own('viewer', { password: 'wrong' }),
  removeSecondFactor: own('viewer', { password: 'wrong' }),
  startPasskey: own('viewer', { password: 'wrong' }),
  addPasskey: own('viewer', { name: 'x', response: { id: 'x' } }),
  removePasskey: own('viewer', undefined, { id: 'nothing' }),
  resetSecondFactor: own('installation', { email: 'nobody@example.com' }),

  getMe: own('viewer'),
  getInstallation: own('viewer'),
  listWorkspaces: own('viewer'),
  createWorkspace: own('viewer', { name: 'Another' }),
  acceptInvitation: own('viewer', { token: 'x' }),
  listSessions: own('viewer'),
  revokeSession: own('viewer', undefined, { id: 'nothing' }),
  changePassword: own('viewer', { current: 'wrong', password: PASSWORD }),
  listMembers: own('viewer'),
  listApiKeys: own('viewer'),
  createApiKey: own('viewer', { name: 'k', role: 'viewer' }),
  revokeApiKey: ours('viewer', undefined, { id: 'key' }),
  // What a client asks is sealed; nobody else's words are taken for it.
  lookAtAuthorization: own('viewer', { request: 'x' }),
  decideAuthorization: own('viewer', { request: 'x', allow: true }),
  listOwnConnections: own('viewer'),
  listOwnCredentials: own('viewer'),
  listAccountProviders: own('viewer'),
  putAccountProvider: own('admin', { name: 'github', clientId: 'x' }),
  deleteAccountProvider: own('admin', undefined, { provider: 'nothing' }),
  listAccounts: ours('viewer'),
  startAccount: ours('viewer', undefined, { name: 'TOKEN' }),
  disconnectAccount: ours('viewer', undefined, { name: 'TOKEN' }),
  finishAccount: own('viewer', { state: 'x' }),
  getOwnCredentials: own('viewer', undefined, { id: 'nothing' }),
  bringOwnCredentials: own('viewer', { values: {} }, { id: 'nothing' }),
  withdrawOwnCredentials: own('viewer', undefined, { id: 'nothing' }),
  revokeOwnConnection: own('viewer', undefined, { connectionId: 'nothing' }),
  listDeployments: own('viewer'),
  listCalls: own('viewer'),
  getUsage: own('viewer'),
  getQuotas: own('viewer'),
  getCost: own('viewer'),
  listRegistryServers: own('viewer'),
  listRegistries: own('viewer'),
  getDeployment: ours('viewer'),
  listReleases: ours('viewer'),
  getSettings: ours('viewer'),
  listTools: ours('viewer'),
  changeTool: ours('member', { tool: 'x' }),
  decideAboutTool: ours('member', { tool: 'x', decision: 'accept', hash: 'a'.repeat(64) }),
  setToolPinning: ours('member', { pinning: 'strict' }),
  changeSettings: ours('member', {}),
  compareReleases: ours('viewer', undefined, { number: '1' }),
  listNoticeChannels: own('admin'),
  createNoticeChannel: own('admin', { kind: 'mail', address: 'nobody@example.com' }),
  changeNoticeChannel: own('admin', { notices: ['failed'] }, { id: 'nothing' }),
  renewNoticeSecret: own('admin', undefined, { id: 'nothing' }),
  testNoticeChannel: own('admin', undefined, { id: 'nothing' }),
  deleteNoticeChannel: own('admin', undefined, { id: 'nothing' }),
  listNotices: own('admin'),
  getUpdate: ours('viewer'),
  checkUpdate: ours('member'),
  skipUpdate: ours('member', { version: null }),
  listUpdates: own('viewer'),
  getCatalogue: ours('viewer'),
  listEvents: ours('viewer'),
  listLogs: ours('viewer'),
  streamFeed: ours('viewer'),

  createAnalysis: own('member', { source: 'npm:some-mcp-server' }),
  startAnalysis: own('member', { source: 'npm:some-mcp-server' }),
  getAnalysis: own('member', undefined, { id: 'nothing' }),
  streamAnalysis: own('member', undefined, { id: 'nothing' }),
  clearAnalyses: own('member'),
  createDeployment: own('member', { source: 'npm:some-mcp-server' }),
  listWorkspaceSettings: own('admin'),
  changeWorkspaceSettings: own('admin', { values: { GITHUB_TOKEN: null } }),
  stopDeployment: ours('member'),
  startDeployment: ours('member'),
  restartDeployment: ours('member'),
  exportDeployment: ours('member'),
  exportWithSecrets: ours('admin', { passphrase: 'correct horse battery' }),
  importDeployment: own('member', { file: { format: 'x' } }),
  listCollections: own('viewer'),
  createCollection: own('member', { name: 'Another' }),
  getCollection: collection('viewer'),
  changeCollection: collection('member', {}),
  addCollectionMember: collection('member', { deployment: 'some' }),
  removeCollectionMember: collection('member', undefined, { deploymentId: 'nothing' }),
  deleteCollection: collection('member'),
  createRelease: ours('member', {}),
  callTool: ours('member', { tool: 'x' }),
  listConnections: ours('member'),
  revokeConnection: ours('member', undefined, { connectionId: 'nothing' }),
  checkSignIn: ours('member'),
  listOAuthClients: ours('member'),
  createOAuthClient: ours('member', { name: 'x', redirectUris: ['https://client.example/callback'] }),
  deleteOAuthClient: ours('member', undefined, { clientId: 'nothing' }),
  listTokens: ours('member'),
  createToken: ours('member', { name: 'x' }),
  changeToken: ours('member', { name: 'walk' }, { tokenId: 'walk' }),
  rotateToken: ours('member', {}, { tokenId: 'walk' }),
  revokeToken: ours('member', undefined, { tokenId: 'walk' }),
  deleteDeployment: ours('member'),

  removeMember: { least: 'admin', stranger: 'not_found', params: { userId: 'spare' } },
  changeRole: {
    least: 'admin',
    stranger: 'not_found',
    params: { userId: 'spare' },
    body: { role: 'viewer' },
  },
  renameWorkspace: own('admin', { name: 'Renamed' }),
  listInvitations: own('admin'),
  createInvitation: own('admin', { role: 'viewer' }),
  revokeInvitation: ours('admin', undefined, { id: 'invitation' }),
  listAudit: own('admin'),

  createSetUpLink: own('owner'),

  createPasswordReset: own('installation', { email: 'nobody@example.com' }),
  verifyAudit: own('installation'),
  getDoctor: own('installation'),
  changeQuotas: own('installation', {}, { id: 'workspace' }),
  syncRegistries: own('installation'),
  getKeys: own('installation'),
  addKey: own('installation'),
  rotateKeys: own('installation'),
  retireKey: own('installation', undefined, { id: 'k000000000000' }),
}

// There are more routes than one who is not signed in may ask for within a minute.
const ENOUGH = { addressPerMinute: 10_000, actorPerMinute: 10_000 } as const

const RANKS = ['viewer', 'member', 'admin', 'owner', 'installation'] as const
type Caller = 'anonymous' | 'stranger' | (typeof RANKS)[number]

let world: World
const cookies = new Map<Caller, string>()
const ids: Record<string, string> = {}
let app: (caller: Caller) => ReturnType<typeof createApi>

function input(name: string): { name: string; email: string; password: string } {
  return { name, email: `${name}@example.com`, password: PASSWORD }
}

beforeAll(async () => {
  world = await createWorld()
  const { ctx, database } = world
  const db = database.kysely
  const publicUrl = new URL(ORIGIN)
  const auth = createAuth({
    database: db,
    publicUrl,
    port: PORT,
    clock: systemClock,
    secret: new Secret('s'.repeat(32)),
    logger: silentLogger,
  })
  const { workspaceId } = ctx.actor
  const setUpLinks = createSetUpLinks({ database: db, publicUrl, workspaceId, clock: systemClock })
  const { url } = await setUpLinks.issue(null)
  await setUpLinks.redeem({ token: tokenOf(url), ...input('installation') }, null)
  for (const name of ['stranger', 'viewer', 'member', 'admin', 'owner', 'spare']) {
    await people.signUp(db, input(name), null)
    const { id } = await db
      .selectFrom('users')
      .select('id')
      .where('email', '=', `${name}@example.com`)
      .executeTakeFirstOrThrow()
    ids[name] = id
    if (name === 'stranger') continue
    const role = name === 'spare' ? 'viewer' : (name as Role)
    await db.insertInto('members').values({ workspace_id: workspaceId, user_id: id, role }).execute()
  }
  for (const caller of ['stranger', ...RANKS] as const) {
    const { email, password } = input(caller)
    cookies.set(caller, cookieHeader(await auth.signIn({ email, password }, new Headers(), null)))
  }
  ids['workspace'] = workspaceId
  ids['id'] = await world.deploy()
  await createToken(ctx, {
    params: { id: ids['id'] },
    body: { name: 'walk', scope: 'full', expiresInDays: null },
  })
  const made = await createCollection(ctx, {
    body: { name: 'Walk', members: [], listing: 'auto', searchOver: 60, tokenName: 'first' },
  })
  ids['collection'] = made.collection.id
  const invitation = await people.createInvitation(
    db,
    { ...ctx.actor, kind: 'system' },
    { role: 'viewer', email: null, expiresInDays: 1 },
  )
  ids['invitation'] = invitation.id
  const key = await people.createApiKey(
    db,
    { ...ctx.actor, id: ids['owner'] ?? '', role: 'owner' },
    { name: 'walk', role: 'viewer', expiresInDays: null },
  )
  ids['key'] = key.id
  const ring = parseKeyRing(Buffer.alloc(32, 7).toString('base64'), 'test')
  const handlers: Handlers = {
    ...createAccountHandlers({ auth, setUpLinks }),
    ...createOAuthHandlers({ ...NO_SIGN_IN, db }),
    ...createPeopleHandlers({ database: db, auth, publicUrl, signUp: 'invitation' }),
    ...createKeyAdministration({
      db,
      keys: { origin: 'file', ring: () => ring, add: async () => newId('node'), retire: async () => {} },
      rotator: { poke: () => {}, [Symbol.asyncDispose]: async () => {} },
      clock: systemClock,
    }),
    ...createDoctor({
      ...ctx,
      packages,
      keys: { origin: 'environment', ring: () => ring, add: async () => '', retire: async () => {} },
      publicUrl: new URL('http://127.0.0.1:1'),
      pypi: { resolve: () => Promise.reject(new Error('not asked')) },
      trustedProxies: [],
      dataDir: '/',
      isEmbedded: false,
      unsandboxed: false,
      listensOn: '127.0.0.1',
      listensOnLoopback: true,
      runtimes: ctx.installation.runtimes,
    }),
    ...bindServices(ctx),
  }
  // Limits of its own for each caller, so that one who is refused often does not use up another's.
  const apps = new Map<Caller, ReturnType<typeof createApi>>()
  app = (caller) => {
    const known = apps.get(caller) ?? createApi(apiOptions({ auth, handlers, requestLimits: ENOUGH }))
    apps.set(caller, known)
    return known
  }
})
afterAll(() => world[Symbol.asyncDispose]())

function pathOf(route: Route, row: Row): string {
  return route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const given = row.params?.[name]
    return (given === undefined ? ids[name] : (ids[given] ?? given)) ?? NOBODY
  })
}

async function ask(
  caller: Caller,
  name: RouteName,
  workspace?: string,
  key?: string,
): Promise<{ status: number; error: unknown; body: unknown }> {
  const route: Route = routes[name]
  const row = TABLE[name]
  const headers = new Headers({ host: `localhost:${PORT}`, origin: ORIGIN })
  const cookie = cookies.get(caller)
  if (cookie !== undefined) headers.set('cookie', cookie)
  if (key !== undefined) headers.set('authorization', `Bearer ${key}`)
  if (route.body !== undefined) headers.set('content-type', 'application/json')
  // People join with their own workspace first, so ours is named.
  const entered =
    workspace ?? (caller === 'stranger' || caller === 'anonymous' ? undefined : ids['workspace'])
  if (entered !== undefined) headers.set('x-catwalk-workspace', entered)
  const response = await app(caller).request(
    `${ORIGIN}/api/v1${pathOf(route, row)}`,
    {
      method: route.method.toUpperCase(),
      headers,
      ...(route.body === undefined ? {} : { body: JSON.stringify(row.body) }),
    },
    {},
  )
  const isJson = response.headers.get('content-type')?.startsWith('application/json') === true
  const body: unknown = isJson ? await response.json() : await response.body?.cancel()
  const error = typeof body === 'object' && body !== null && 'error' in body ? body.error : null
  return { status: response.status, error, body }
}

function mayCall(caller: Caller, least: Row['least']): boolean {
  if (caller === 'anonymous' || least === 'anybody') return least === 'anybody'
  // Whoever owns a workspace of their own may do there what owners may.
  const rank = caller === 'stranger' ? 'owner' : caller
  return RANKS.indexOf(rank) >= RANKS.indexOf(least)
}

const Refusal = z.object({ message: z.string(), help: z.string(), docs: z.string() })
const TROUBLESHOOTING = readFileSync(join(import.meta.dirname, '../../docs/troubleshooting.md'), 'utf8')

/** What a refusal by role says: which one is needed, and who gives it. */
const WORDS: Readonly<Record<Row['least'], RegExp>> = {
  anybody: /./,
  viewer: /needs the role viewer; yours is \w+\. Ask an owner or admin/,
  member: /needs the role member; yours is \w+\. Ask an owner or admin/,
  admin: /needs the role admin; yours is \w+\. Ask an owner or admin/,
  owner: /needs the role owner; yours is \w+\. Ask an owner or admin/,
  installation: /for admins of the installation\. Ask whoever set Catwalk up/,
}

/** Message and help of a refusal whose code has its section in the docs. */
function howToGetIt(body: unknown): string {
  const { message, help, docs } = Refusal.parse(body)
  const code = docs.split('#')[1]?.replaceAll('-', '_') ?? ''
  expect(TROUBLESHOOTING).toContain(`### \`${code}\``)
  return `${message} ${help}`
}

const CALLERS = ['anonymous', 'stranger', ...RANKS] as const

type Verdict = 'let in' | 'nobody' | 'forbidden' | 'not there' | 'broken'

/**
 * Let in is also who is told that the input is wrong or that it cannot be done right now, for instance because the
 * caller before has deleted it.
 */
function verdict(caller: Caller, row: Row, { status, error }: { status: number; error: unknown }): Verdict {
  if (status >= 500) return 'broken'
  if (error === 'unauthenticated') return 'nobody'
  if (error === 'forbidden') return 'forbidden'
  if (caller === 'stranger' && status === 404 && row.stranger === 'not_found') return 'not there'
  return error === 'not_found' || error === 'deployment_not_found' ? 'not there' : 'let in'
}

function expectedFor(caller: Caller, row: Row): Verdict {
  if (row.least === 'anybody') return 'let in'
  if (caller === 'anonymous') return 'nobody'
  if (!mayCall(caller, row.least)) return 'forbidden'
  return caller === 'stranger' && row.stranger === 'not_found' ? 'not there' : 'let in'
}

test('every route has its row, and no row is left over', () => {
  expect(Object.keys(TABLE).toSorted()).toEqual(Object.keys(routes).toSorted())
})

test('the contract asks for what the table says', () => {
  for (const [name, route] of Object.entries<Route>(routes)) {
    const { least } = TABLE[name as RouteName]
    // A member leaves by the same route by which an admin removes one.
    const expected = name === 'removeMember' ? 'viewer' : least === 'anybody' ? 'public' : least
    expect({ name, access: route.access }).toEqual({ name, access: expected })
  }
})

// What deletes goes last, so that the others find what they ask for.
const names = (Object.keys(TABLE) as RouteName[]).toSorted(
  (a, b) => Number(routes[a].method === 'delete') - Number(routes[b].method === 'delete'),
)

describe.each(names)('%s', (name) => {
  const row = TABLE[name]
  test.each(CALLERS)(
    'does for %s what the table says, and a refusal says what is missing',
    async (caller) => {
      const answer = await ask(caller, name)
      const given = verdict(caller, row, answer)
      expect({ caller, verdict: given }).toEqual({ caller, verdict: expectedFor(caller, row) })
      if (given !== 'nobody' && given !== 'forbidden') return
      const words = given === 'nobody' ? /not signed in\..*Sign in, or send an API key/ : WORDS[row.least]
      expect(howToGetIt(answer.body)).toMatch(words)
    },
  )

  test.runIf(row.least !== 'anybody')(
    'is not there for somebody who names a workspace of others',
    async () => {
      const { status, error } = await ask('stranger', name, ids['workspace'])
      expect({ status, error }).toEqual({ status: 404, error: 'workspace_not_found' })
    },
  )
})

describe('an API key that is held to scopes', () => {
  const keys = new Map<string, string>()
  const keyWith = async (scopes: readonly ApiScope[]): Promise<string> => {
    const name = scopes.join(' ')
    const known = keys.get(name)
    if (known !== undefined) return known
    const { key } = await people.createApiKey(
      world.database.kysely,
      { ...world.ctx.actor, id: ids['owner'] ?? '', role: 'owner' },
      { name: 'scoped', role: 'owner', scopes, expiresInDays: null },
    )
    keys.set(name, key)
    return key
  }
  const guarded = names.flatMap((name) => {
    const route: Route = routes[name]
    return route.access === 'public' ? [] : [{ name, route }]
  })

  test('is refused wherever its scopes do not reach, and told which one is missing', async () => {
    for (const { name, route } of guarded) {
      if (route.scope === 'any') continue
      const area = route.scope.split(':')[0] ?? ''
      const others = API_SCOPES.filter((scope) => route.scope === 'full' || !scope.startsWith(`${area}:`))
      const key = await keyWith(others.filter((scope) => scope !== 'deployments:write' || area !== 'logs'))
      const { status, error, body } = await ask('anonymous', name, undefined, key)
      expect({ name, status, error }).toEqual({ name, status: 403, error: 'forbidden' })
      expect(howToGetIt(body)).toMatch(
        route.scope === 'full'
          ? /beyond every API key that is held to scopes/
          : new RegExp(`needs the scope ${route.scope}, .* key add --scope ${route.scope}$`),
      )
    }
  })

  test('is let in with that one scope alone', async () => {
    for (const { name, route } of guarded) {
      // Such a key is never one of an admin of the installation; the role refuses it, not the scope.
      if (route.scope === 'full' || route.access === 'installation') continue
      const key = await keyWith([route.scope === 'any' ? 'audit:read' : route.scope])
      const { status, error, body } = await ask('anonymous', name, undefined, key)
      expect({ name, broken: status >= 500, isKnown: error !== 'unauthenticated' }).toEqual({
        name,
        broken: false,
        isKnown: true,
      })
      // What it asks for may still be refused for another reason, as a key that may more than itself.
      expect({ name, said: JSON.stringify(body) ?? '' }).not.toMatchObject({
        said: expect.stringMatching(/needs the scope|beyond every API key/),
      })
    }
  })

  test('that only reads reaches nothing that changes anything', () => {
    const changing = guarded.filter(({ route }) => route.method !== 'get' && route.scope.endsWith(':read'))
    // It answers with a file, and asks by POST so that the passphrase stands in no address.
    expect(changing.map(({ name }) => name)).toEqual(['exportWithSecrets'])
  })
})
