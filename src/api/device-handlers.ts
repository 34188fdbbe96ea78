import { people } from '../auth/index.ts'
import type { deviceRoutes } from '../contract/index.ts'
import type { Handlers } from './handlers.ts'
import { inText } from './in-text.ts'
import type { PeopleServices } from './people-handlers.ts'

/** Handlers of the routes by which a terminal is let in. */
export function createDeviceHandlers({
  database,
  publicUrl,
}: Pick<PeopleServices, 'database' | 'publicUrl'>): Pick<Handlers, keyof typeof deviceRoutes> {
  return {
    async startDeviceLogin({ remoteAddress }, { body }) {
      const login = inText(await people.startDeviceLogin(database, body.client, remoteAddress))
      return { ...login, url: new URL(`/device?code=${login.userCode}`, publicUrl).href }
    },
    collectDeviceLogin: ({ remoteAddress }, { body }) =>
      people.collectDeviceLogin(database, body.deviceCode, remoteAddress),
    lookAtDeviceLogin: async (_, { params }) =>
      inText(await people.lookAtDeviceLogin(database, params.userCode)),
    decideDeviceLogin: ({ actor }, { params, body }) =>
      people.decideDeviceLogin(database, actor, params.userCode, body),
  }
}
