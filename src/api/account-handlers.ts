import type { Auth, SetUpLinks } from '../auth/index.ts'
import type { Handlers } from './handlers.ts'

export interface AccountServices {
  readonly auth: Pick<Auth, 'signIn' | 'profileOf' | 'mailLinks'>
  readonly setUpLinks: SetUpLinks
}

/** Handlers of the routes about accounts; the other routes belong to services. */
export function createAccountHandlers({
  auth,
  setUpLinks,
}: AccountServices): Pick<Handlers, 'getSetUp' | 'setUp' | 'createSetUpLink' | 'getMe'> {
  return {
    getSetUp: async () => ({ needed: await setUpLinks.needed() }),

    async setUp(context, { body }) {
      const owner = await setUpLinks.redeem(body, context.remoteAddress)
      const { email, password } = body
      const cookies = await auth.signIn({ email, password }, context.headers, context.remoteAddress)
      for (const cookie of cookies) context.setCookie(cookie)
      if (owner.kind === 'user') await auth.mailLinks.confirmSoon(owner.id, context.remoteAddress)
      return auth.profileOf(owner)
    },

    async createSetUpLink(context) {
      const { url, expiresAt } = await setUpLinks.issue(context.actor)
      return { url: url.href, expiresAt: expiresAt.toISOString() }
    },

    getMe: (context) => auth.profileOf(context.actor),
  }
}
