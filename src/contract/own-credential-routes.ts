import { z } from 'zod'
import type { Route } from './routes.ts'

/** A deployment where members bring their own credentials, as one of them sees it. Values are never shown. */
const OwnCredentials = z
  .object({
    deployment: z.object({ id: z.string(), name: z.string(), slug: z.string() }),
    workspace: z.object({ id: z.string(), name: z.string() }),
    complete: z.boolean().describe('Whether nothing is missing, so that the server works for you'),
    credentials: z.array(
      z.object({
        name: z.string(),
        description: z.string().nullable(),
        secret: z.boolean(),
        isFile: z.boolean().describe('The value is the content of a file'),
        provider: z
          .string()
          .nullable()
          .describe('The service, where it is the token of an account that you connect in the browser'),
        version: z.number().int().nullable().describe('Counts your values; null when you have brought none'),
        broughtAt: z.string().nullable(),
      }),
    ),
  })
  .meta({ id: 'OwnCredentials' })

/** Routes about what each member brings: always about the one who asks, in all their workspaces. */
export const ownCredentialRoutes = {
  listOwnCredentials: {
    method: 'get',
    path: '/own-credentials',
    summary: 'Deployments that work with your own credentials, in all your workspaces',
    access: 'viewer',
    scope: 'credentials:read',
    status: 200,
    response: z.object({ items: z.array(OwnCredentials) }),
  },
  getOwnCredentials: {
    method: 'get',
    path: '/own-credentials/{id}',
    summary: 'What a deployment wants you to bring, and what you have brought',
    access: 'viewer',
    scope: 'credentials:read',
    status: 200,
    response: OwnCredentials,
  },
  bringOwnCredentials: {
    method: 'post',
    path: '/own-credentials/{id}',
    summary: 'Bring your own values; your process at the deployment ends and starts again with them',
    access: 'viewer',
    scope: 'credentials:write',
    body: z
      .strictObject({
        values: z
          .record(z.string().max(256), z.string().max(1_048_576))
          .describe('By name; those that are left out stay'),
      })
      .meta({ id: 'BringOwnCredentials' }),
    status: 200,
    response: OwnCredentials,
  },
  withdrawOwnCredentials: {
    method: 'delete',
    path: '/own-credentials/{id}',
    summary: 'Take back what you have brought: it is deleted with all that the server kept for you',
    access: 'viewer',
    scope: 'credentials:write',
    status: 200,
    response: OwnCredentials,
  },
} as const satisfies Record<string, Route>
