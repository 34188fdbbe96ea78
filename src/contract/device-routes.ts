import { z } from 'zod'
import { Role } from './account-schemas.ts'
import type { Route } from './routes.ts'

const timestamp = z.iso.datetime().describe('RFC 3339, UTC')
const userCode = z.string().trim().min(8).max(12).describe('Such as BCDF-GHJK')

const DeviceLogin = z
  .object({
    userCode,
    client: z.string().describe('What asks, in its own words'),
    address: z.string().nullable().describe('Where it asks from'),
    createdAt: timestamp,
    expiresAt: timestamp,
  })
  .meta({ id: 'DeviceLogin' })

const NewDeviceLogin = z
  .object({
    deviceCode: z.string().describe('For whoever asks, to collect the key with'),
    userCode,
    url: z.url().describe('Where a signed-in person approves it'),
    intervalS: z.number().int().describe('Seconds to wait between two questions'),
    expiresAt: timestamp,
  })
  .meta({ id: 'NewDeviceLogin' })

const DeviceLoginState = z
  .discriminatedUnion('state', [
    z.object({ state: z.literal('pending'), intervalS: z.number().int() }),
    z.object({ state: z.literal('denied') }),
    z.object({
      state: z.literal('approved'),
      key: z.string().describe('The API key. Shown this once; only its hash is stored'),
      keyId: z.string(),
    }),
  ])
  .meta({ id: 'DeviceLoginState' })

/** Routes by which a terminal is let in without a password: the flow of RFC 8628, which ends with an API key. */
export const deviceRoutes = {
  startDeviceLogin: {
    method: 'post',
    path: '/device-logins',
    summary: 'Ask to be let in, as the command line does; somebody who is signed in approves it',
    access: 'public',
    body: z
      .strictObject({ client: z.string().trim().min(1).max(80).describe('Name of the key that comes of it') })
      .meta({ id: 'StartDeviceLogin' }),
    status: 201,
    response: NewDeviceLogin,
  },
  collectDeviceLogin: {
    method: 'post',
    path: '/device-logins/collect',
    summary: 'Ask whether it was approved; the answer then holds the key, once',
    access: 'public',
    body: z.strictObject({ deviceCode: z.string().min(1).max(256) }).meta({ id: 'CollectDeviceLogin' }),
    isRepeated: true,
    status: 200,
    response: DeviceLoginState,
  },
  lookAtDeviceLogin: {
    method: 'get',
    path: '/device-logins/{userCode}',
    summary: 'What asks to be let in',
    access: 'viewer',
    scope: 'full',
    status: 200,
    response: DeviceLogin,
  },
  decideDeviceLogin: {
    method: 'post',
    path: '/device-logins/{userCode}',
    summary: 'Approve or deny it; the key has a role that is not above your own',
    access: 'viewer',
    scope: 'full',
    body: z
      .strictObject({
        approve: z.boolean(),
        role: Role.default('member'),
        expiresInDays: z.number().int().min(1).max(3650).nullable().default(90),
      })
      .meta({ id: 'DecideDeviceLogin' }),
    status: 204,
    response: z.null(),
  },
} as const satisfies Record<string, Route>
