import { z } from 'zod'
import type { Route } from './routes.ts'

const address = z.url().max(2000)

/** A service where members connect accounts, as the workspace is registered there. The secret is never shown. */
const AccountProvider = z
  .object({
    id: z.string(),
    name: z.string(),
    authorizationUrl: z.string(),
    tokenUrl: z.string(),
    revocationUrl: z.string().nullable(),
    issuer: z.string().nullable(),
    scopes: z.array(z.string()),
    parameters: z.record(z.string(), z.string()),
    clientId: z.string(),
    authMethod: z.enum(['client_secret_post', 'client_secret_basic', 'none']),
    redirectUri: z.string().describe('What the service must be told to send people back to'),
    accounts: z.number().int().describe('How many are connected'),
  })
  .meta({ id: 'AccountProvider' })

const PutAccountProvider = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/, 'Lower-case letters, digits and hyphens; 40 at most'),
    preset: z
      .enum(['github', 'google'])
      .optional()
      .describe('Gives what is left out below, from the documentation of the service'),
    authorizationUrl: address.optional(),
    tokenUrl: address.optional(),
    revocationUrl: address
      .nullable()
      .optional()
      .describe('Where it ends tokens (RFC 7009); without it they are only forgotten here'),
    issuer: address.nullable().optional().describe('What it calls itself in `iss`'),
    scopes: z.array(z.string().min(1).max(256)).max(64).optional(),
    parameters: z
      .record(z.string().min(1).max(64), z.string().max(512))
      .optional()
      .describe('Sent along to the authorization endpoint'),
    clientId: z.string().min(1).max(512),
    clientSecret: z.string().max(4096).optional().describe('Left out for one that is there: it stays'),
    authMethod: z.enum(['client_secret_post', 'client_secret_basic', 'none']).optional(),
  })
  .meta({ id: 'PutAccountProvider' })

const Account = z
  .object({
    name: z.string().describe('The credential that it is for'),
    provider: z.object({ id: z.string(), name: z.string() }),
    own: z.boolean().describe('Each member connects their own; this is about yours'),
    state: z
      .enum(['missing', 'connected', 'broken', 'unused'])
      .describe(
        'broken: the service refuses it, so it must be connected again; unused: no release works with it any more, so it is not renewed',
      ),
    problem: z.string().nullable(),
    connectedAt: z.string().nullable(),
    expiresAt: z.string().nullable().describe('Of the token that there is; it is renewed before'),
  })
  .meta({ id: 'Account' })

const list = <T extends z.ZodType>(item: T) => z.object({ items: z.array(item) })

/** Routes about accounts at other services that servers work with. */
export const accountProviderRoutes = {
  listAccountProviders: {
    method: 'get',
    path: '/account-providers',
    summary: 'Services where accounts can be connected',
    access: 'viewer',
    scope: 'settings:read',
    status: 200,
    response: list(AccountProvider),
  },
  putAccountProvider: {
    method: 'post',
    path: '/account-providers',
    summary: 'Add a service where accounts can be connected, or change the one of this name',
    access: 'admin',
    scope: 'settings:write',
    body: PutAccountProvider,
    status: 200,
    response: AccountProvider,
  },
  deleteAccountProvider: {
    method: 'delete',
    path: '/account-providers/{provider}',
    summary: 'Delete a service that no account is connected with',
    access: 'admin',
    scope: 'settings:write',
    status: 204,
    response: z.null(),
  },
  listAccounts: {
    method: 'get',
    path: '/deployments/{id}/accounts',
    summary: 'Accounts that a deployment works with: those for everybody, and yours',
    access: 'viewer',
    scope: 'credentials:read',
    status: 200,
    response: list(Account),
  },
  startAccount: {
    method: 'post',
    path: '/deployments/{id}/accounts/{name}',
    summary: 'Begin to connect an account; the browser goes on to the address in the answer',
    access: 'viewer',
    scope: 'credentials:write',
    status: 200,
    response: z.object({ url: z.string() }),
  },
  finishAccount: {
    method: 'post',
    path: '/accounts',
    summary: 'Connect the account that the browser comes back with',
    access: 'viewer',
    scope: 'credentials:write',
    body: z
      .strictObject({
        state: z.string().min(1).max(8192),
        code: z.string().max(8192).optional(),
        iss: z.string().max(2000).optional(),
        error: z.string().max(256).optional(),
      })
      .meta({ id: 'FinishAccount' }),
    status: 200,
    response: z.object({
      deployment: z.object({ id: z.string(), slug: z.string(), name: z.string() }),
      provider: z.string(),
      own: z.boolean(),
    }),
  },
  disconnectAccount: {
    method: 'delete',
    path: '/deployments/{id}/accounts/{name}',
    summary: 'Forget an account; the server loses its token, and the service is asked to end it',
    access: 'viewer',
    scope: 'credentials:write',
    status: 204,
    response: z.null(),
  },
} as const satisfies Record<string, Route>
