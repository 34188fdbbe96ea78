import { decide, lookAtRequest, type OAuthOptions } from '../oauth/index.ts'
import type { Handlers } from './handlers.ts'

/** Handlers with which the consent page asks and answers. */
export function createOAuthHandlers(
  oauth: OAuthOptions,
): Pick<Handlers, 'lookAtAuthorization' | 'decideAuthorization'> {
  return {
    lookAtAuthorization: async ({ actor }, { body }) => {
      const question = await lookAtRequest(oauth, actor, body.request)
      return { ...question, scopes: [...question.scopes] }
    },
    decideAuthorization: async ({ actor }, { body }) => ({ redirect: await decide(oauth, actor, body) }),
  }
}
