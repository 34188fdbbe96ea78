import { people, type Auth } from '../auth/index.ts'
import type { accountRoutes, deviceRoutes, RouteOutput, signInRoutes } from '../contract/index.ts'
import { CatwalkError } from '../domain/index.ts'
import { createDeviceHandlers } from './device-handlers.ts'
import type { Handlers, PublicContext } from './handlers.ts'
import { inText } from './in-text.ts'
import { createSignInHandlers, enterWith } from './sign-in-handlers.ts'

export type SignUpMode = 'open' | 'invitation' | 'closed'

export interface PeopleServices {
  readonly database: Parameters<typeof people.signUp>[0]
  readonly auth: Pick<
    Auth,
    | 'signIn'
    | 'authenticate'
    | 'profileOf'
    | 'guard'
    | 'secondFactor'
    | 'passkeys'
    | 'linkedAccounts'
    | 'mailLinks'
  >
  readonly publicUrl: URL
  readonly signUp: SignUpMode
}

/** Handlers of the routes about people. */
export function createPeopleHandlers(
  services: PeopleServices,
): Pick<Handlers, keyof typeof accountRoutes | keyof typeof deviceRoutes | keyof typeof signInRoutes> {
  const { database, auth, publicUrl, signUp } = services

  /** Signs a new account in, as the answer to how it was made. */
  async function enter(
    context: PublicContext,
    input: { email: string; password: string },
  ): Promise<RouteOutput<'getMe'>> {
    const { email, password } = input
    return enterWith(
      auth,
      context,
      await auth.signIn({ email, password }, context.headers, context.remoteAddress),
    )
  }

  /** The same for somebody new, who also gets a mail to confirm the address, where there is mail. */
  async function welcome(
    context: PublicContext,
    input: { email: string; password: string },
  ): Promise<RouteOutput<'getMe'>> {
    const me = await enter(context, input)
    if (me.user !== null) await auth.mailLinks.confirmSoon(me.user.id, context.remoteAddress)
    return me
  }

  return {
    ...createDeviceHandlers(services),
    ...createSignInHandlers(services),
    getSignUp: async () => ({
      mode: signUp,
      providers: [...auth.linkedAccounts.providers],
      mail: auth.mailLinks.works,
    }),
    async signUp(context, { body }) {
      if (signUp !== 'open') throw new CatwalkError('sign_up_closed', 'Accounts are made by invitation only.')
      await people.signUp(database, body, context.remoteAddress)
      return welcome(context, body)
    },
    lookAtInvitation: async (_, { body }) => ({
      ...(await people.lookAtInvitation(database, body.token)),
      signUp: signUp !== 'closed',
    }),
    async joinByInvitation(context, { body }) {
      if (signUp === 'closed') {
        throw new CatwalkError('sign_up_closed', 'No accounts are made here.', {
          help: 'Sign in with an account that you have, then open the invitation again.',
        })
      }
      await people.joinByInvitation(database, body.token, body, context.remoteAddress)
      return welcome(context, body)
    },
    resetPassword: (context, { body }) => people.redeemPasswordReset(database, body, context.remoteAddress),
    async createPasswordReset({ actor }, { body }) {
      const { token, expiresAt } = await people.issuePasswordReset(database, actor, body.email)
      return {
        url: new URL(`/reset-password#token=${token}`, publicUrl).href,
        expiresAt: expiresAt.toISOString(),
      }
    },

    listWorkspaces: async ({ actor }) => ({ items: [...(await people.listWorkspaces(database, actor))] }),
    createWorkspace: ({ actor }, { body }) => people.createWorkspace(database, actor, body.name),
    renameWorkspace: ({ actor }, { body }) => people.renameWorkspace(database, actor, body.name),
    listMembers: async ({ actor }) => ({
      items: (await people.listMembers(database, actor.workspaceId)).map(inText),
    }),
    changeRole: async ({ actor }, { params, body }) => ({
      items: (await people.changeRole(database, actor, params.userId, body.role)).map(inText),
    }),
    removeMember: ({ actor }, { params }) => people.removeMember(database, actor, params.userId),
    listInvitations: async ({ actor }) => ({
      items: (await people.listInvitations(database, actor.workspaceId)).map(inText),
    }),
    async createInvitation({ actor }, { body }) {
      const { token, ...invitation } = await people.createInvitation(database, actor, body)
      const mailed = await auth.mailLinks.sendInvitation(actor, invitation.email, token, invitation.role)
      return { ...inText(invitation), url: new URL(`/join#token=${token}`, publicUrl).href, mailed }
    },
    acceptInvitation: ({ actor }, { body }) => people.acceptInvitation(database, actor, body.token),
    revokeInvitation: ({ actor }, { params }) => people.revokeInvitation(database, actor, params.id),

    listSessions: async ({ actor, sessionId }) => ({
      items: (await people.listSessions(database, actor.id)).map((session) => ({
        ...inText(session),
        current: session.id === sessionId,
      })),
    }),
    revokeSession: ({ actor }, { params }) => people.revokeSession(database, actor, params.id),
    changePassword: ({ actor, sessionId }, { body }) =>
      people.changePassword({ database, guard: auth.guard }, actor, sessionId, body),
    listApiKeys: async ({ actor }) => ({ items: (await people.listApiKeys(database, actor)).map(inText) }),
    createApiKey: async ({ actor }, { body }) => inText(await people.createApiKey(database, actor, body)),
    revokeApiKey: ({ actor }, { params }) => people.revokeApiKey(database, actor, params.id),
  }
}
