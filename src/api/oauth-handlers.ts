import { decide, lookAtRequest, replayDiscovery, type OAuthOptions } from '../oauth/index.ts'
import type { Handlers } from './handlers.ts'

/** Handlers with which the consent page asks and answers, and of the check. */
export function createOAuthHandlers(
  oauth: OAuthOptions,
): Pick<Handlers, 'lookAtAuthorization' | 'decideAuthorization' | 'checkSignIn'> {
  return {
    lookAtAuthorization: async ({ actor }, { body }) => {
      const question = await lookAtRequest(oauth, actor, body.request)
      return { ...question, scopes: [...question.scopes] }
    },
    checkSignIn: async ({ actor }, { params }) => {
      const replays = await replayDiscovery(oauth, actor, params.id)
      return { items: replays.map((replay) => ({ ...replay, steps: [...replay.steps] })) }
    },
    decideAuthorization: async ({ actor }, { body }) => ({ redirect: await decide(oauth, actor, body) }),
  }
}
