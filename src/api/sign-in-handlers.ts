import { people, type Auth } from '../auth/index.ts'
import type { RouteOutput, signInRoutes } from '../contract/index.ts'
import { CatwalkError } from '../domain/index.ts'
import type { Handlers, PublicContext } from './handlers.ts'
import { inText } from './in-text.ts'

export interface SignInServices {
  readonly database: Parameters<typeof people.hasPassword>[0]
  readonly auth: Pick<
    Auth,
    'authenticate' | 'profileOf' | 'secondFactor' | 'passkeys' | 'linkedAccounts' | 'mailLinks'
  >
}

/** Gives the browser its session, and answers who that is. */
export async function enterWith(
  auth: Pick<Auth, 'authenticate' | 'profileOf'>,
  context: PublicContext,
  cookies: readonly string[],
): Promise<RouteOutput<'getMe'>> {
  for (const cookie of cookies) context.setCookie(cookie)
  const cookie = cookies.map((value) => value.split(';')[0]).join('; ')
  const signedIn = await auth.authenticate(new Headers({ cookie }), context.remoteAddress)
  if (signedIn === null) throw new CatwalkError('unauthenticated', 'This account is gone.')
  return auth.profileOf(signedIn.actor)
}

/** Handlers of the routes by which one signs in and manages how. */
export function createSignInHandlers({
  database,
  auth,
}: SignInServices): Pick<Handlers, keyof typeof signInRoutes> {
  const { secondFactor, passkeys, linkedAccounts, mailLinks } = auth
  return {
    finishSignIn: async (context, { body }) =>
      enterWith(auth, context, await secondFactor.finish(context.headers, context.remoteAddress, body.code)),
    async startPasskeySignIn(context) {
      const { options, cookies } = await passkeys.startSignIn()
      for (const cookie of cookies) context.setCookie(cookie)
      return { options }
    },
    finishPasskeySignIn: async (context, { body }) =>
      enterWith(auth, context, await passkeys.signIn(context.headers, context.remoteAddress, body.response)),

    async startProviderSignIn(context, { params, body }) {
      const { back, invitation = null } = body
      const { url, cookies } = await linkedAccounts.startSignIn(params.provider, { back, invitation })
      for (const cookie of cookies) context.setCookie(cookie)
      return { url }
    },
    requestPasswordReset: ({ remoteAddress }, { body }) =>
      mailLinks.requestPasswordReset(body.email, remoteAddress),
    verifyEmail: ({ remoteAddress }, { body }) => mailLinks.verify(body.token, remoteAddress),
    sendEmailVerification: ({ actor }) => mailLinks.sendVerification(actor),
    async linkAccount(context, { params, body }) {
      const { actor, sessionId, headers } = context
      const { url, cookies } = await linkedAccounts.startLinking(
        actor,
        sessionId,
        headers,
        params.provider,
        body,
      )
      for (const cookie of cookies) context.setCookie(cookie)
      return { url }
    },
    unlinkAccount: ({ actor, sessionId }, { params, body }) =>
      linkedAccounts.unlink(actor, sessionId, params.provider, body),

    getSignInWays: async ({ actor }) => ({
      hasPassword: await people.hasPassword(database, actor.id),
      secondFactor: await secondFactor.stateOf(actor.id),
      passkeys: (await passkeys.list(actor.id)).map(inText),
      accounts: (await linkedAccounts.list(actor.id)).map(inText),
      emailVerified: await people.isEmailVerified(database, actor.id),
    }),
    async startSecondFactor({ actor, sessionId, headers }, { body }) {
      const { recoveryCodes, ...rest } = await secondFactor.start(actor, sessionId, headers, body)
      return { ...rest, recoveryCodes: [...recoveryCodes] }
    },
    async confirmSecondFactor(context, { body }) {
      const { actor, sessionId, headers } = context
      const cookies = await secondFactor.confirm(actor, sessionId, headers, body.code)
      for (const cookie of cookies) context.setCookie(cookie)
      return null
    },
    renewRecoveryCodes: async ({ actor, sessionId, headers }, { body }) => ({
      recoveryCodes: [...(await secondFactor.renew(actor, sessionId, headers, body))],
    }),
    removeSecondFactor: ({ actor, sessionId }, { body }) => secondFactor.remove(actor, sessionId, body),
    resetSecondFactor: ({ actor }, { body }) => secondFactor.reset(actor, body.email),
    async startPasskey(context, { body }) {
      const { actor, sessionId, headers } = context
      const { options, cookies } = await passkeys.startAdding(actor, sessionId, headers, body)
      for (const cookie of cookies) context.setCookie(cookie)
      return { options }
    },
    addPasskey: async ({ actor, sessionId, headers }, { body }) => ({
      items: (await passkeys.add(actor, sessionId, headers, body)).map(inText),
    }),
    removePasskey: ({ actor }, { params }) => passkeys.remove(actor, params.id),
  }
}
