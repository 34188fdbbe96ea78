import { z } from 'zod'
import * as s from './oauth-schemas.ts'
import type { Route } from './routes.ts'

const list = <T extends z.ZodType>(item: T) => z.object({ items: z.array(item) })

/** Routes about clients that sign people in to endpoints. What the clients themselves ask is OAuth's. */
export const oauthRoutes = {
  lookAtAuthorization: {
    method: 'post',
    path: '/authorizations/lookup',
    summary: 'What a client asks you to allow it at an endpoint',
    access: 'viewer',
    body: s.LookAtAuthorization,
    status: 200,
    response: s.AuthorizationQuestion,
  },
  decideAuthorization: {
    method: 'post',
    path: '/authorizations',
    summary: 'Allow it or not; the browser goes on to the address in the answer',
    access: 'viewer',
    body: s.DecideAuthorization,
    status: 200,
    response: z.object({ redirect: z.string() }),
  },
  listOwnConnections: {
    method: 'get',
    path: '/connections',
    summary: 'Clients that you allowed something, at the endpoints of all your workspaces',
    access: 'viewer',
    status: 200,
    response: list(s.Connection),
  },
  revokeOwnConnection: {
    method: 'delete',
    path: '/connections/{connectionId}',
    summary: 'Take back what you allowed a client; its tokens are dead at once',
    access: 'viewer',
    status: 204,
    response: z.null(),
  },
  listConnections: {
    method: 'get',
    path: '/deployments/{id}/connections',
    summary: 'Clients that people allowed something at this endpoint',
    access: 'member',
    status: 200,
    response: list(s.Connection),
  },
  revokeConnection: {
    method: 'delete',
    path: '/deployments/{id}/connections/{connectionId}',
    summary: 'Take back what somebody allowed a client; its tokens are dead at once',
    access: 'member',
    status: 204,
    response: z.null(),
  },
  checkSignIn: {
    method: 'get',
    path: '/deployments/{id}/sign-in-check',
    summary: 'Ask the endpoint, at its public address, what each client asks before people sign in',
    access: 'member',
    status: 200,
    response: list(s.SignInCheck),
  },
  listOAuthClients: {
    method: 'get',
    path: '/deployments/{id}/clients',
    summary: 'Clients that were made for this endpoint by hand',
    access: 'member',
    status: 200,
    response: list(s.OAuthClient),
  },
  createOAuthClient: {
    method: 'post',
    path: '/deployments/{id}/clients',
    summary: 'Make a client id for a program that cannot register itself',
    access: 'member',
    body: s.CreateOAuthClient,
    status: 201,
    response: s.NewOAuthClient,
  },
  deleteOAuthClient: {
    method: 'delete',
    path: '/deployments/{id}/clients/{clientId}',
    summary: 'Delete a client that was made by hand, with all that people allowed it',
    access: 'member',
    status: 204,
    response: z.null(),
  },
} as const satisfies Record<string, Route>
