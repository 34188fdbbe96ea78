import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { queries } from '../../src/db/index.ts'
import { CatwalkError, systemClock } from '../../src/domain/index.ts'
import {
  createAccountKeeper,
  createRelease,
  deleteAccountProvider,
  deleteDeployment,
  disconnectAccount,
  finishAccount,
  getOwnCredentials,
  listAccountProviders,
  listAccounts,
  listEvents,
  putAccountProvider,
  startAccount,
  withdrawOwnCredentials,
  type ServiceContext,
} from '../../src/services/index.ts'
import { startAccountProvider, type FakeAccountProvider } from '../fakes/account-provider.ts'
import type { FakeInstance } from '../fakes/runtime.ts'
import { createWorld, type Node, type World } from '../reconciler/world.ts'
import { silentLogger } from '../support/logger.ts'
import { until } from '../support/until.ts'

let provider: FakeAccountProvider
let world: World
let ana = ''
let ben = ''

beforeAll(async () => {
  provider = await startAccountProvider()
  world = await createWorld([provider.origin])
  ana = await world.person('anna')
  ben = await world.person('ben')
  await world.ctx.db
    .insertInto('members')
    .values({ workspace_id: world.ctx.actor.workspaceId, user_id: world.ctx.actor.id, role: 'owner' })
    .execute()
  await putAccountProvider(world.ctx, { body: { name: 'service', ...described() } })
})
afterAll(async () => {
  await world[Symbol.asyncDispose]()
  await provider[Symbol.asyncDispose]()
})
beforeEach(() => {
  Object.assign(provider, {
    expiresInSeconds: null,
    givesRefreshToken: true,
    rotates: true,
    isGracious: false,
    mood: 'well',
    errorStatus: 400,
  })
})

const described = () => ({
  authorizationUrl: `${provider.origin}/authorize`,
  tokenUrl: `${provider.origin}/token`,
  revocationUrl: `${provider.origin}/revoke`,
  issuer: provider.origin,
  scopes: ['read', 'write'],
  clientId: provider.clientId,
  clientSecret: provider.clientSecret,
})

type InSession = ServiceContext & { readonly sessionId: string | null }

const as = (id: string, sessionId = `session of ${id}`): InSession => ({
  ...world.ctx,
  actor: { ...world.ctx.actor, id, label: id, role: 'member' },
  sessionId,
})
const owner = (): InSession => as(world.ctx.actor.id)

const keeper = () =>
  createAccountKeeper({
    db: world.ctx.db,
    vault: world.ctx.vault,
    tokenEndpoints: world.ctx.tokenEndpoints,
    clock: systemClock,
    logger: silentLogger,
  })

const TOKEN = { API_TOKEN: { provider: 'service', template: 'Bearer {token}' } }
const deployShared = () => world.deploy({}, [], TOKEN)
const deployOwn = () => world.deploy({}, ['API_TOKEN'], TOKEN)

const becomes = (id: string, state: string): Promise<true> =>
  until(`${id} is ${state}`, async () => ((await world.state(id)) === state ? true : null))

/** What a browser brings back from the provider. */
async function comeBack(
  ctx: InSession,
  id: string,
  says: 'yes' | 'no' = 'yes',
): Promise<{ state: string; code?: string; iss: string; error?: string }> {
  const { url } = await startAccount(ctx, { params: { id, name: 'API_TOKEN' } })
  const back = await provider.visit(url, says)
  const given = Object.fromEntries(back.searchParams)
  return { state: '', iss: '', ...given }
}

async function connect(ctx: InSession, id: string) {
  return finishAccount(ctx, { body: await comeBack(ctx, id) })
}

const accountOf = async (ctx: InSession, id: string) =>
  (await listAccounts(ctx, { params: { id } })).items.find(({ name }) => name === 'API_TOKEN')

const startedFor = (node: Node, id: string): FakeInstance[] =>
  node.runtime.started.filter(({ input }) => input.deploymentId === id)

const tokenOf = (instance: FakeInstance | undefined) => instance?.input.credentials.get('API_TOKEN')?.reveal()

async function refreshTokenOf(id: string, person: string | null = null): Promise<string> {
  const [account] = await queries.listConnectedAccounts(world.ctx.db, id, person)
  if (account === undefined) throw new Error('there is no account')
  const text = world.ctx.vault.decrypt(`connected account/${account.id}`, account.token, account.key_id)
  return /"refreshToken":"([^"]+)"/.exec(text.reveal())?.[1] ?? ''
}

/** Makes a token due, as if its time had come. */
async function due(id: string): Promise<void> {
  await world.ctx.db
    .updateTable('connected_accounts')
    .set({ refresh_at: new Date(0), lease_until: null })
    .where('deployment_id', '=', id)
    .execute()
}

async function call(node: Node, id: string, person: string): Promise<void> {
  const signal = AbortSignal.timeout(10_000)
  const endpoint = await node.instances.wake(id, signal)
  await endpoint.request('tools/call', {}, { subject: person, person, requestId: 'req_1' }, signal)
}

test('a deployment waits for its account, starts by itself once that is connected, and gets the token by its template', async () => {
  await using node = await world.startNode()
  const id = await deployShared()
  await becomes(id, 'failed')
  expect(await accountOf(owner(), id)).toMatchObject({ state: 'missing', own: false })
  const done = await connect(owner(), id)
  expect(done).toMatchObject({ provider: 'service', own: false, deployment: { id } })
  await becomes(id, 'running')
  expect(tokenOf(startedFor(node, id)[0])).toMatch(/^Bearer access-\d+$/)
  expect(await accountOf(owner(), id)).toMatchObject({ state: 'connected' })
})

test('the browser is sent with PKCE, the scopes and the one redirect address', async () => {
  const id = await deployShared()
  const { url } = await startAccount(owner(), { params: { id, name: 'API_TOKEN' } })
  const query = new URL(url).searchParams
  expect(Object.fromEntries(query)).toMatchObject({
    response_type: 'code',
    client_id: provider.clientId,
    redirect_uri: 'http://localhost:7420/accounts/callback',
    scope: 'read write',
    code_challenge_method: 'S256',
  })
  expect(query.get('code_challenge')).toMatch(/^[\w-]{43}$/)
  // What is in it is sealed: neither who asks nor for what can be read.
  expect(query.get('state')).not.toContain(id)
})

test('an answer counts only in the session of the browser that asked (CSRF, session fixation)', async () => {
  const id = await deployShared()
  const body = await comeBack(owner(), id)
  const before = provider.requests.length
  for (const ctx of [
    as(world.ctx.actor.id, 'another session'),
    as(ana, `session of ${world.ctx.actor.id}`),
  ]) {
    await expect(finishAccount(ctx, { body })).rejects.toMatchObject({ code: 'account_attempt_invalid' })
  }
  expect(provider.requests.length).toBe(before)
})

test.each(['x', 'k1.x', '.', 'a'.repeat(4000)])(
  'a state that we did not make is refused: %.10s',
  async (state) => {
    await expect(finishAccount(owner(), { body: { state, code: 'x' } })).rejects.toMatchObject({
      code: 'account_attempt_invalid',
    })
  },
)

test('an answer that comes too late is refused', async () => {
  const id = await deployShared()
  const body = await comeBack(owner(), id)
  const later = { ...owner(), clock: { now: () => new Date(Date.now() + 11 * 60_000) } }
  await expect(finishAccount(later, { body })).rejects.toMatchObject({ code: 'account_attempt_invalid' })
})

test('an answer in the name of another service gets no code sent anywhere (mix-up)', async () => {
  const id = await deployShared()
  const body = await comeBack(owner(), id)
  const before = provider.requests.length
  await expect(
    finishAccount(owner(), { body: { ...body, iss: 'https://attacker.example' } }),
  ).rejects.toMatchObject({ code: 'account_attempt_invalid' })
  expect(provider.requests.length).toBe(before)
})

test('a code that was made for somebody else’s attempt opens nothing (code injection)', async () => {
  const id = await deployShared()
  const stolen = await comeBack(as(ana), await deployOwn())
  const own = await comeBack(owner(), id)
  const body = { ...own, ...(stolen.code === undefined ? {} : { code: stolen.code }) }
  await expect(finishAccount(owner(), { body })).rejects.toMatchObject({ code: 'account_refused' })
})

test('a code counts once', async () => {
  const id = await deployShared()
  const body = await comeBack(owner(), id)
  await finishAccount(owner(), { body })
  await expect(finishAccount(owner(), { body })).rejects.toMatchObject({ code: 'account_refused' })
  expect(await accountOf(owner(), id)).toMatchObject({ state: 'connected' })
})

test.each([
  ['in the form', 'client_secret_post'],
  ['in the header', 'client_secret_basic'],
] as const)('the client secret goes %s, and nowhere else', async (_, authMethod) => {
  const name = authMethod.replaceAll('_', '-')
  await putAccountProvider(world.ctx, { body: { name, ...described(), authMethod } })
  const id = await world.deploy({}, [], { API_TOKEN: { provider: name, template: '{token}' } })
  await connect(owner(), id)
  const request = provider.requests.at(-1)
  expect(request?.form.has('client_secret')).toBe(authMethod === 'client_secret_post')
  expect(request?.authorization !== undefined).toBe(authMethod === 'client_secret_basic')
})

test('a no at the service is told as one, also where errors come with status 200', async () => {
  const id = await deployShared()
  const refused = await comeBack(owner(), id, 'no')
  await expect(finishAccount(owner(), { body: refused })).rejects.toThrow(/access_denied/)
  provider.errorStatus = 200
  const body = { ...(await comeBack(owner(), id)), code: 'wrong' }
  await expect(finishAccount(owner(), { body })).rejects.toThrow(/invalid_grant/)
})

test.each(['down', 'redirecting', 'talking-rubbish'] as const)(
  'nothing is connected while the service is %s, and the secret follows no redirect',
  async (mood) => {
    const id = await deployShared()
    const body = await comeBack(owner(), id)
    provider.mood = mood
    const before = provider.requests.length
    await expect(finishAccount(owner(), { body })).rejects.toBeInstanceOf(CatwalkError)
    expect(provider.requests.length).toBe(before + 1)
    expect(await accountOf(owner(), id)).toMatchObject({ state: 'missing' })
  },
)

test('a token is renewed before it runs out, and the server is started again with the new one', async () => {
  await using node = await world.startNode()
  provider.expiresInSeconds = 3600
  const id = await deployShared()
  await connect(owner(), id)
  await becomes(id, 'running')
  const [first] = startedFor(node, id)
  await keeper().work()
  expect(startedFor(node, id)).toHaveLength(1)
  await due(id)
  await keeper().work()
  const second = await until('it is started again', () => startedFor(node, id)[1] ?? null)
  expect(tokenOf(second)).not.toBe(tokenOf(first))
  expect(await first?.ended).toMatchObject({ reason: 'stopped' })
  expect(provider.requests.at(-1)?.grant).toBe('refresh_token')
  // And once more: the rotated refresh token is the one that counts.
  await due(id)
  await keeper().work()
  expect(await accountOf(owner(), id)).toMatchObject({ state: 'connected' })
})

test('a service that rotates no refresh tokens is asked with the one that it gave', async () => {
  provider.expiresInSeconds = 3600
  provider.rotates = false
  const id = await deployShared()
  await connect(owner(), id)
  for (const _ of [1, 2]) {
    await due(id)
    await keeper().work()
    expect(await accountOf(owner(), id)).toMatchObject({ state: 'connected' })
  }
})

test('two replicas renew a token once', async () => {
  provider.expiresInSeconds = 3600
  const id = await deployShared()
  await connect(owner(), id)
  await due(id)
  const before = provider.requests.length
  await Promise.all([keeper().work(), keeper().work(), keeper().freshen(id, null, AbortSignal.timeout(5000))])
  expect(provider.requests.length).toBe(before + 1)
  expect(await accountOf(owner(), id)).toMatchObject({ state: 'connected' })
})

test('an answer that comes after another replica had given up still counts', async () => {
  provider.expiresInSeconds = 3600
  const id = await deployShared()
  await connect(owner(), id)
  await due(id)
  provider.mood = 'silent'
  const slow = keeper().work()
  const before = provider.requests.length
  await until('it asks', () => (provider.requests.length > before ? true : null))
  // As if its lease had run out, and somebody else had been told no with the same refresh token.
  provider.mood = 'well'
  const [account] = await queries.listConnectedAccounts(world.ctx.db, id, null)
  await queries.markBroken(world.ctx.db, account ?? { id: '', version: 0 }, 'It was refused.')
  provider.speak()
  await slow
  expect(await accountOf(owner(), id)).toMatchObject({ state: 'connected', problem: null })
})

test('a service that is down for a while is asked again, and nobody has to do anything', async () => {
  provider.expiresInSeconds = 3600
  const id = await deployShared()
  await connect(owner(), id)
  await due(id)
  provider.mood = 'down'
  await keeper().work()
  expect(await accountOf(owner(), id)).toMatchObject({ state: 'connected' })
  provider.mood = 'well'
  await due(id)
  await keeper().work()
  const [account] = await queries.listConnectedAccounts(world.ctx.db, id, null)
  expect(account).toMatchObject({ version: 2, failures: 0 })
})

test('a grant that was taken back at the service is told in the event, the account and every call, until it is connected again', async () => {
  await using node = await world.startNode()
  provider.expiresInSeconds = 3600
  const id = await deployShared()
  await connect(owner(), id)
  await becomes(id, 'running')
  provider.revokeAll()
  await due(id)
  await keeper().work()
  expect(await accountOf(owner(), id)).toMatchObject({
    state: 'broken',
    problem: expect.stringContaining('invalid_grant'),
  })
  expect(await startedFor(node, id)[0]?.ended).toMatchObject({ reason: 'stopped' })
  await until('calls say so', async () => {
    const error = await call(node, id, ana).catch((thrown: unknown) => thrown)
    return error instanceof CatwalkError && error.code === 'account_needed' ? true : null
  })
  const { items } = await listEvents(world.ctx, { params: { id }, query: { limit: 1000 } })
  expect(items.map(({ kind }) => kind)).toContain('account.broken')
  await connect(owner(), id)
  await until('it serves again', async () => {
    await call(node, id, ana).catch(() => undefined)
    return startedFor(node, id).length > 1 ? true : null
  })
})

test('a token without a refresh token is asked for again when it has run out', async () => {
  provider.expiresInSeconds = 3600
  provider.givesRefreshToken = false
  const id = await deployShared()
  await connect(owner(), id)
  await due(id)
  await keeper().work()
  expect(await accountOf(owner(), id)).toMatchObject({ state: 'broken' })
})

test('a token that does not run out is never renewed', async () => {
  const id = await deployShared()
  await connect(owner(), id)
  const before = provider.requests.length
  await keeper().work()
  await keeper().freshen(id, null, AbortSignal.timeout(5000))
  expect(provider.requests.length).toBe(before)
})

test('each member connects their own account, and gets a process with its token', async () => {
  await using node = await world.startNode()
  const id = await deployOwn()
  await becomes(id, 'running')
  expect((await getOwnCredentials(as(ana), { params: { id } })).credentials).toMatchObject([
    { name: 'API_TOKEN', provider: 'service', version: null },
  ])
  await connect(as(ana), id)
  await connect(as(ben), id)
  await call(node, id, ana)
  await call(node, id, ben)
  const of = (person: string) => startedFor(node, id).filter(({ input }) => input.person === person)
  expect(tokenOf(of(ana)[0])).toMatch(/^Bearer access-/)
  expect(tokenOf(of(ana)[0])).not.toBe(tokenOf(of(ben)[0]))
  // Taken back, it is nowhere.
  await withdrawOwnCredentials(as(ana), { params: { id } })
  expect(await of(ana)[0]?.ended).toMatchObject({ reason: 'stopped' })
  expect(await queries.listConnectedAccounts(world.ctx.db, id, ana)).toEqual([])
  await call(node, id, ben)
  expect(of(ben)).toHaveLength(1)
})

test('a renewed token of one member restarts that member’s process alone, and a refused one asks that member alone', async () => {
  await using node = await world.startNode()
  provider.expiresInSeconds = 3600
  const id = await deployOwn()
  await becomes(id, 'running')
  await connect(as(ana), id)
  provider.expiresInSeconds = null
  await connect(as(ben), id)
  await call(node, id, ana)
  await call(node, id, ben)
  const of = (person: string) => startedFor(node, id).filter(({ input }) => input.person === person)
  await world.ctx.db
    .updateTable('connected_accounts')
    .set({ refresh_at: new Date(0) })
    .where('user_id', '=', ana)
    .where('deployment_id', '=', id)
    .execute()
  provider.expiresInSeconds = 3600
  await keeper().work()
  expect(await of(ana)[0]?.ended).toMatchObject({ reason: 'stopped' })
  await call(node, id, ana)
  expect(tokenOf(of(ana)[1])).not.toBe(tokenOf(of(ana)[0]))
  provider.revokeAll()
  await world.ctx.db
    .updateTable('connected_accounts')
    .set({ refresh_at: new Date(0) })
    .where('user_id', '=', ana)
    .where('deployment_id', '=', id)
    .execute()
  await keeper().work()
  await until('she is asked', async () => {
    const error = await call(node, id, ana).catch((thrown: unknown) => thrown)
    return error instanceof CatwalkError && error.code === 'own_credentials_needed' ? true : null
  })
  await call(node, id, ben)
  expect(of(ben)).toHaveLength(1)
})

test('whoever leaves takes their account along', async () => {
  const id = await deployOwn()
  const dora = await world.person('dora')
  await connect(as(dora), id)
  await world.ctx.db.deleteFrom('members').where('user_id', '=', dora).execute()
  expect(await queries.listConnectedAccounts(world.ctx.db, id, dora)).toEqual([])
  expect(await queries.listPersonalCredentials(world.ctx.db, id, dora)).toEqual([])
})

describe('what is forgotten here is ended at the service (RFC 7009)', () => {
  test('when it is disconnected, whoever disconnects it', async () => {
    const id = await deployShared()
    await connect(owner(), id)
    const token = await refreshTokenOf(id)
    await disconnectAccount(owner(), { params: { id, name: 'API_TOKEN' } })
    await keeper().work()
    expect(provider.revoked).toContain(token)
  })

  test('when its member takes it back, or leaves', async () => {
    const id = await deployOwn()
    const eve = await world.person('eve')
    await connect(as(eve), id)
    await connect(as(ben), id)
    const [ofEve, ofBen] = [await refreshTokenOf(id, eve), await refreshTokenOf(id, ben)]
    await withdrawOwnCredentials(as(ben), { params: { id } })
    await world.ctx.db.deleteFrom('members').where('user_id', '=', eve).execute()
    await keeper().work()
    expect(provider.revoked).toEqual(expect.arrayContaining([ofEve, ofBen]))
  })

  test('when its deployment is deleted', async () => {
    const id = await deployShared()
    await connect(owner(), id)
    const token = await refreshTokenOf(id)
    await deleteDeployment(world.ctx, { params: { id } })
    await keeper().work()
    expect(provider.revoked).toContain(token)
  })

  test('later, when the service does not answer just then', async () => {
    const id = await deployShared()
    await connect(owner(), id)
    const token = await refreshTokenOf(id)
    await disconnectAccount(owner(), { params: { id, name: 'API_TOKEN' } })
    provider.mood = 'down'
    await keeper().work()
    provider.mood = 'well'
    await keeper().work()
    // It is not asked in a hurry.
    expect(provider.revoked).not.toContain(token)
    await world.ctx.db
      .updateTable('account_revocations')
      .set({ next_at: new Date(0) })
      .execute()
    await keeper().work()
    expect(provider.revoked).toContain(token)
    expect(await world.ctx.db.selectFrom('account_revocations').selectAll().execute()).toEqual([])
  })

  test('but not when it is connected again, which some services would take for the new one as well', async () => {
    const id = await deployShared()
    await connect(owner(), id)
    const token = await refreshTokenOf(id)
    await connect(owner(), id)
    await keeper().work()
    expect(provider.revoked).not.toContain(token)
  })
})

test('an account that no release works with any more is shown, not renewed, and can be disconnected', async () => {
  provider.expiresInSeconds = 3600
  const id = await deployShared()
  await connect(owner(), id)
  await createRelease(world.ctx, {
    params: { id },
    body: { variables: { API_TOKEN: 'by hand' }, accounts: {} },
  })
  // The former release may still be live, and then needs it.
  await world.ctx.db
    .updateTable('deployments')
    .set((set) => ({
      live_release_id: set
        .selectFrom('releases')
        .select('id')
        .where('deployment_id', '=', id)
        .orderBy('number', 'desc')
        .limit(1),
    }))
    .where('id', '=', id)
    .execute()
  await due(id)
  const before = provider.requests.length
  await keeper().work()
  expect(provider.requests.length).toBe(before)
  expect(await accountOf(owner(), id)).toMatchObject({ state: 'unused', own: false })
  await disconnectAccount(owner(), { params: { id, name: 'API_TOKEN' } })
  expect(await accountOf(owner(), id)).toBeUndefined()
})

test('an answer that is lost costs nothing where the service takes the former token once more', async () => {
  provider.expiresInSeconds = 3600
  provider.isGracious = true
  const id = await deployShared()
  await connect(owner(), id)
  await due(id)
  // As a program that is killed while it waits: the service has done it, and nobody has heard.
  const form = {
    grant_type: 'refresh_token',
    client_id: provider.clientId,
    client_secret: provider.clientSecret,
    refresh_token: await refreshTokenOf(id),
  }
  expect(
    (await fetch(`${provider.origin}/token`, { method: 'POST', body: new URLSearchParams(form) })).status,
  ).toBe(200)
  await keeper().work()
  expect(await accountOf(owner(), id)).toMatchObject({ state: 'connected' })
})

test('an account of one’s own never becomes everybody’s because the owner changed the release meanwhile', async () => {
  const id = await deployOwn()
  const body = await comeBack(as(ana), id)
  await createRelease(world.ctx, { params: { id }, body: { variables: {}, personal: [] } })
  await expect(finishAccount(as(ana), { body })).rejects.toMatchObject({ code: 'account_not_wanted' })
  expect(await queries.listConnectedAccounts(world.ctx.db, id, null)).toEqual([])
})

test('nobody connects an account for a workspace that they are not in, and viewers none for everybody', async () => {
  const id = await deployShared()
  const stranger = await world.person('stranger', false)
  await expect(startAccount(as(stranger), { params: { id, name: 'API_TOKEN' } })).rejects.toMatchObject({
    code: 'deployment_not_found',
  })
  const viewer = await world.person('viewer')
  await world.ctx.db.updateTable('members').set({ role: 'viewer' }).where('user_id', '=', viewer).execute()
  await expect(startAccount(as(viewer), { params: { id, name: 'API_TOKEN' } })).rejects.toMatchObject({
    code: 'forbidden',
  })
})

test.each([
  'http://127.0.0.1:1/token',
  'https://127.0.0.1/token',
  'https://169.254.169.254/token',
  'https://10.0.0.1/token',
  'https://[::1]/token',
  'http://example.com/token',
])('an address inside, or without TLS, is no provider (SSRF): %s', async (tokenUrl) => {
  await expect(
    putAccountProvider(world.ctx, { body: { name: 'inside', ...described(), tokenUrl } }),
  ).rejects.toMatchObject({ code: 'service_unreachable' })
})

test('who may change a provider does not get what members have connected sent elsewhere', async () => {
  await putAccountProvider(world.ctx, { body: { name: 'settled', ...described() } })
  const id = await world.deploy({}, [], { API_TOKEN: { provider: 'settled', template: '{token}' } })
  await connect(owner(), id)
  for (const elsewhere of [
    { tokenUrl: `${provider.origin}/token-of-mine` },
    { revocationUrl: `${provider.origin}/revoke-of-mine` },
  ]) {
    const body = { name: 'settled', ...described(), ...elsewhere }
    await expect(putAccountProvider(world.ctx, { body })).rejects.toMatchObject({
      code: 'account_provider_in_use',
    })
  }
})

test('a secret that is kept goes to no other address than it was given for', async () => {
  await putAccountProvider(world.ctx, { body: { name: 'kept', ...described() } })
  const { clientSecret: _, ...rest } = described()
  await putAccountProvider(world.ctx, { body: { name: 'kept', ...rest, scopes: ['other'] } })
  for (const field of ['tokenUrl', 'revocationUrl'] as const) {
    await expect(
      putAccountProvider(world.ctx, {
        body: { name: 'kept', ...rest, [field]: `${provider.origin}/somewhere-else` },
      }),
    ).rejects.toMatchObject({ code: 'invalid_request', details: { field: 'clientSecret' } })
  }
})

test('ours are not to be replaced by parameters of a provider', async () => {
  const body = { name: 'sly', ...described(), parameters: { redirect_uri: 'https://attacker.example' } }
  await expect(putAccountProvider(world.ctx, { body })).rejects.toMatchObject({ code: 'invalid_request' })
})

test('GitHub and Google are there by name, with what their documentation says', async () => {
  const given = { clientId: 'x', clientSecret: 'y' }
  // Their addresses cannot be looked up here.
  const ctx = { ...world.ctx, tokenEndpoints: { ...world.ctx.tokenEndpoints, check: async () => {} } }
  const github = await putAccountProvider(ctx, { body: { name: 'github', preset: 'github', ...given } })
  expect(github).toMatchObject({
    authorizationUrl: 'https://github.com/login/oauth/authorize',
    tokenUrl: 'https://github.com/login/oauth/access_token',
    // Tokens of OAuth apps are deleted by an API of GitHub's own.
    revocationUrl: null,
    issuer: 'https://github.com/login/oauth',
  })
  const google = await putAccountProvider(ctx, { body: { name: 'google', preset: 'google', ...given } })
  expect(google).toMatchObject({
    tokenUrl: 'https://oauth2.googleapis.com/token',
    revocationUrl: 'https://oauth2.googleapis.com/revoke',
    issuer: 'https://accounts.google.com',
    parameters: { access_type: 'offline', prompt: 'consent' },
  })
})

test('no token and no secret is in any answer, row or event', async () => {
  const id = await deployShared()
  await connect(owner(), id)
  const [account] = await queries.listConnectedAccounts(world.ctx.db, id, null)
  const seen = JSON.stringify([
    await listAccountProviders(world.ctx),
    await listAccounts(owner(), { params: { id } }),
    await listEvents(world.ctx, { params: { id }, query: { limit: 1000 } }),
    account,
    await queries.listAccountProviders(world.ctx.db, world.ctx.actor.workspaceId),
  ])
  expect(seen).not.toContain(provider.clientSecret)
  expect(seen).not.toMatch(/access-\d/)
  expect(seen).not.toMatch(/refresh-[0-9a-f]{8}/)
})

test('a provider that accounts are connected with stays; without any it goes', async () => {
  await putAccountProvider(world.ctx, { body: { name: 'passing', ...described() } })
  const id = await world.deploy({}, [], { API_TOKEN: { provider: 'passing', template: '{token}' } })
  await connect(owner(), id)
  const params = { provider: 'passing' }
  await expect(deleteAccountProvider(world.ctx, { params })).rejects.toMatchObject({
    code: 'account_provider_in_use',
  })
  await disconnectAccount(owner(), { params: { id, name: 'API_TOKEN' } })
  await deleteAccountProvider(world.ctx, { params })
})
