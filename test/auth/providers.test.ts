import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAuth, people, type Auth } from '../../src/auth/index.ts'
import { Secret, type Actor } from '../../src/domain/index.ts'
import { startIdentityProvider, type IdentityProvider, type Visitor } from '../fakes/identity-provider.ts'
import { catwalkErrorOf } from '../support/errors.ts'
import { silentLogger } from '../support/logger.ts'
import { codeOf, nextCodeOf } from './authenticator-app.ts'
import { cookieHeader, makeOwner, openAccounts, owner, PUBLIC_URL, type Accounts } from './support.ts'

type ProviderId = 'github' | 'google'
const ADDRESS = '192.0.2.1'

let provider: IdentityProvider
let accounts: Accounts
let admin: Actor
let count = 0

beforeAll(async () => {
  provider = await startIdentityProvider()
  accounts = await openAccounts()
  admin = await makeOwner(accounts)
})
afterAll(async () => {
  await accounts[Symbol.asyncDispose]()
  await provider[Symbol.asyncDispose]()
})

function authWith(signUp: 'open' | 'invitation' | 'closed'): Auth {
  const client = { clientId: provider.clientId, clientSecret: new Secret(provider.clientSecret) }
  const { origin } = provider
  return createAuth({
    database: accounts.database.kysely,
    publicUrl: PUBLIC_URL,
    port: 7420,
    clock: accounts.clock,
    secret: new Secret('s'.repeat(32)),
    logger: silentLogger,
    signUp,
    providers: {
      github: { ...client, loginUrl: origin, apiUrl: `${origin}/api/v3` },
      google: {
        ...client,
        authorizeUrl: `${origin}/o/oauth2/v2/auth`,
        tokenUrl: `${origin}/token`,
        userInfoUrl: `${origin}/v1/userinfo`,
      },
    },
  })
}

function visitor(email: string, verified = true): Visitor {
  const id = ++count
  return { id, login: `person${id}`, name: `Person ${id}`, emails: [{ email, primary: true, verified }] }
}

interface Arrival {
  /** Where the browser is sent, path and query. */
  readonly place: string
  readonly cookies: readonly string[]
}

/** What a browser does: to the provider, where it is approved, and back. */
async function travel(
  auth: Auth,
  departure: { url: string; cookies: readonly string[] },
  cookie = '',
): Promise<Arrival> {
  const there = await fetch(departure.url, { redirect: 'manual' })
  const back = there.headers.get('location') ?? ''
  const jar = [cookie, cookieHeader(departure.cookies)].filter(Boolean).join('; ')
  const response = await auth.handler(
    new Request(back, { headers: { cookie: jar, host: 'localhost:7420' } }),
    ADDRESS,
  )
  const place = new URL(response.headers.get('location') ?? '', PUBLIC_URL)
  expect(place.origin).toBe(PUBLIC_URL.origin)
  return {
    place: `${place.pathname}${place.search}`,
    cookies: response.headers.getSetCookie().filter((value) => !/=;/.test(value)),
  }
}

async function enter(
  auth: Auth,
  id: ProviderId,
  who: Visitor,
  invitation: string | null = null,
): Promise<Arrival> {
  provider.visitor = who
  return travel(auth, await auth.linkedAccounts.startSignIn(id, { back: '/deployments', invitation }))
}

const signedIn = async (auth: Auth, { cookies }: Arrival) =>
  auth.authenticate(new Headers({ cookie: cookieHeader(cookies) }), ADDRESS)
const usersWith = (email: string) =>
  accounts.database.kysely.selectFrom('users').selectAll().where('email', '=', email).execute()
const invite = (email: string | null) =>
  people.createInvitation(accounts.database.kysely, admin, { role: 'viewer', email, expiresInDays: 1 })

describe.each(['github', 'google'] as const)('%s', (id) => {
  test('makes an account with a workspace where anybody may, and signs in with it later', async () => {
    const auth = authWith('open')
    const who = visitor(`${id}-open@example.com`)
    const first = await enter(auth, id, who)
    expect(first.place).toBe('/deployments')
    const person = await signedIn(auth, first)
    expect(person?.actor).toMatchObject({ label: `${id}-open@example.com`, role: 'owner' })
    expect(await auth.profileOf(person?.actor ?? admin)).toMatchObject({ user: { name: who.name } })
    const second = await signedIn(auth, await enter(auth, id, who))
    expect(second?.actor.id).toBe(person?.actor.id)
    const entries = await accounts.database.kysely
      .selectFrom('audit_entries')
      .selectAll()
      .where('actor_id', '=', person?.actor.id ?? '')
      .orderBy('at')
      .execute()
    expect(entries.map(({ action, detail }) => ({ action, detail }))).toEqual([
      { action: 'account.create', detail: {} },
      { action: 'account.link', detail: { provider: id } },
      { action: 'session.create', detail: { by: id } },
      { action: 'session.create', detail: { by: id } },
    ])
  })

  test('makes none for an address that it has not verified', async () => {
    const email = `${id}-unverified@example.com`
    const arrival = await enter(authWith('open'), id, visitor(email, false))
    expect(arrival.place).toContain('/sign-in?error=email_not_verified')
    expect(await usersWith(email)).toEqual([])
  })

  test('takes over no account by its address alone', async () => {
    const arrival = await enter(authWith('open'), id, visitor('ada@example.com'))
    expect(arrival.place).toContain('/sign-in?error=account_not_linked')
    expect(await signedIn(authWith('open'), arrival)).toBeNull()
  })

  test('where it says no, or is asked with a wrong state, nobody is signed in', async () => {
    const auth = authWith('open')
    provider.visitor = null
    const denied = await travel(
      auth,
      await auth.linkedAccounts.startSignIn(id, { back: '/', invitation: null }),
    )
    expect(denied.place).toContain('/sign-in?error=access_denied')
    provider.visitor = visitor(`${id}-forged@example.com`)
    const departure = await auth.linkedAccounts.startSignIn(id, { back: '/', invitation: null })
    // Without the cookie of whoever began it, which is what a forged link lacks.
    const forged = await travel(auth, { ...departure, cookies: [] })
    expect(forged.place).toContain('/sign-in?error=')
    expect(await usersWith(`${id}-forged@example.com`)).toEqual([])
  })
})

test('by invitation only whoever has one comes in, into the workspace that invited', async () => {
  const auth = authWith('invitation')
  const stranger = await enter(auth, 'github', visitor('stranger@example.com'))
  expect(stranger.place).toContain('/sign-in?error=sign_up_closed')
  expect(await usersWith('stranger@example.com')).toEqual([])

  await invite('bo@example.com')
  const byAddress = await signedIn(auth, await enter(auth, 'github', visitor('bo@example.com')))
  const { token } = await invite(null)
  const byLink = await signedIn(auth, await enter(auth, 'google', visitor('cy@example.com'), token))
  for (const person of [byAddress, byLink]) {
    const places = await people.listWorkspaces(accounts.database.kysely, person?.actor ?? admin)
    expect(places.map(({ id, role }) => [id === admin.workspaceId, role])).toEqual(
      expect.arrayContaining([
        [true, 'viewer'],
        [false, 'owner'],
      ]),
    )
  }
  const again = await enter(auth, 'github', visitor('eve@example.com'), token)
  expect(again.place).toContain('error=sign_up_closed')
})

test('where sign-up is closed nobody new comes in, not even with an invitation', async () => {
  const { token } = await invite(null)
  const arrival = await enter(authWith('closed'), 'github', visitor('late@example.com'), token)
  expect(arrival.place).toContain('error=sign_up_closed')
})

test('a person links an account, is asked for the code when it signs in, and keeps a way in', async () => {
  const auth = authWith('closed')
  const cookies = await auth.signIn({ email: owner.email, password: owner.password }, new Headers(), ADDRESS)
  const cookie = cookieHeader(cookies)
  const headers = new Headers({ cookie })
  const me = await auth.authenticate(headers, ADDRESS)
  if (me === null) throw new Error('nobody is signed in')
  const without = auth.linkedAccounts.startLinking(me.actor, me.sessionId, headers, 'github', {})
  expect(await catwalkErrorOf(without)).toMatchObject({ code: 'invalid_credentials' })

  const who = visitor('ada-at-work@example.com')
  provider.visitor = who
  const proof = { password: owner.password }
  const departure = await auth.linkedAccounts.startLinking(me.actor, me.sessionId, headers, 'github', proof)
  expect((await travel(auth, departure, cookie)).place).toBe('/account')
  expect(await auth.linkedAccounts.list(me.actor.id)).toMatchObject([{ provider: 'github' }])
  expect((await signedIn(auth, await enter(auth, 'github', who)))?.actor.id).toBe(me.actor.id)

  const { secret } = await auth.secondFactor.start(me.actor, me.sessionId, headers, proof)
  const fresh = await auth.secondFactor.confirm(me.actor, me.sessionId, headers, codeOf(secret))
  const arrival = await enter(auth, 'github', who)
  expect(arrival.place).toBe('/sign-in?step=code')
  expect(await signedIn(auth, arrival)).toBeNull()
  const waiting = new Headers({ cookie: cookieHeader(arrival.cookies) })
  const finished = await auth.secondFactor.finish(waiting, ADDRESS, nextCodeOf(secret))
  expect(await auth.authenticate(new Headers({ cookie: cookieHeader(finished) }), ADDRESS)).not.toBeNull()

  const now = await auth.authenticate(new Headers({ cookie: cookieHeader(fresh) }), ADDRESS)
  await accounts.database.kysely
    .updateTable('accounts')
    .set({ password: null })
    .where('user_id', '=', me.actor.id)
    .execute()
  const last = auth.linkedAccounts.unlink(me.actor, now?.sessionId ?? null, 'github', {})
  expect(await catwalkErrorOf(last)).toMatchObject({ code: 'last_way_in' })
  expect(await auth.linkedAccounts.list(me.actor.id)).toHaveLength(1)
})

test('no token of a provider is stored in clear, and a provider that is not configured is not asked', async () => {
  const rows = await accounts.database.kysely.selectFrom('accounts').selectAll().execute()
  const tokens = rows.map(({ access_token: token }) => token).filter((token) => token !== null)
  for (const token of tokens) expect(token).not.toMatch(/^[\da-f]{8}-[\da-f]{4}-/)
  const none = accounts.auth.linkedAccounts.startSignIn('github', { back: '/', invitation: null })
  expect(await catwalkErrorOf(none)).toMatchObject({ code: 'provider_not_found' })
})
