import { z } from 'zod'

const ClientKind = z
  .enum(['registered', 'document', 'predefined'])
  .describe(
    'registered: it registered itself, so nothing it says is proven. document: it is described at an address on the web. predefined: a member made it by hand',
  )

const ConnectedClient = z.object({
  id: z.string(),
  name: z.string(),
  kind: ClientKind,
  host: z.string().nullable().describe('Where its description is kept; null when that is not known'),
})

const Scope = z.enum(['mcp:read', 'mcp:tools'])

/** A client that a person allowed something at an endpoint. */
export const Connection = z
  .object({
    id: z.string(),
    client: ConnectedClient,
    user: z.object({ id: z.string(), email: z.string() }),
    deployment: z.object({ id: z.string(), name: z.string(), slug: z.string() }),
    callsTools: z.boolean().describe('Whether it may call tools, and not only list and read'),
    createdAt: z.string(),
    lastUsedAt: z.string().nullable(),
  })
  .meta({ id: 'Connection' })

export const OAuthClient = z
  .object({
    id: z.string(),
    name: z.string(),
    redirectUris: z.array(z.string()),
    hasSecret: z.boolean(),
    createdAt: z.string(),
  })
  .meta({ id: 'OAuthClient' })

export const NewOAuthClient = OAuthClient.extend({
  secret: z.string().nullable().describe('Shown this once; null for a client without one'),
}).meta({ id: 'NewOAuthClient' })

export const CreateOAuthClient = z
  .strictObject({
    name: z.string().trim().min(1).max(80),
    redirectUris: z
      .array(
        z
          .string()
          .max(2000)
          .regex(
            /^(?:https:\/\/[^\s#\\@]+|http:\/\/(?:localhost|127\.0\.0\.1)(?::\d{1,5})?(?:\/[^\s#\\]*)?)$/,
            'https, or http to the own machine, without a fragment',
          ),
      )
      .min(1)
      .max(20),
    secret: z.boolean().default(true).describe('Whether it proves itself by a secret'),
  })
  .meta({ id: 'CreateOAuthClient' })

export const SignInCheck = z
  .object({
    client: z.string(),
    ok: z.boolean(),
    steps: z.array(
      z.object({
        step: z.string(),
        ok: z.boolean(),
        detail: z.string(),
        fix: z.string().nullable(),
      }),
    ),
  })
  .describe('What a client meets on its way to sign in, up to the first step that fails')
  .meta({ id: 'SignInCheck' })

/** The sealed text that the consent page gets in its address. */
const Request = z.string().min(1).max(8192)

export const LookAtAuthorization = z.strictObject({ request: Request }).meta({ id: 'LookAtAuthorization' })

export const DecideAuthorization = z
  .strictObject({
    request: Request,
    allow: z.boolean(),
    tools: z.boolean().default(true).describe('Whether it may call tools, where it asked for that'),
  })
  .meta({ id: 'DecideAuthorization' })

export const AuthorizationQuestion = z
  .object({
    client: ConnectedClient.omit({ id: true }),
    redirect: z.object({
      host: z.string().describe('Host that the browser is sent to, or the scheme of an app'),
      ownMachine: z.boolean().describe('It leads to a program on the own machine, which anybody can pose as'),
    }),
    deployment: z.object({ name: z.string(), slug: z.string(), workspace: z.string() }),
    scopes: z.array(Scope),
    mayCallTools: z.boolean().describe('Whether your role lets a client call tools for you'),
    before: z.boolean().describe('Whether you allowed this client something here before'),
  })
  .meta({ id: 'AuthorizationQuestion' })
