import { z } from 'zod'
import { API_SCOPES } from './api-scopes.ts'

const timestamp = z.iso.datetime().describe('RFC 3339, UTC')
const email = z.email().max(254)
const name = z.string().trim().min(1).max(80)
const password = z.string().min(10).max(128)
const linkToken = z.string().min(1).max(256).describe('From the fragment of the link')

export const Role = z.enum(['viewer', 'member', 'admin', 'owner']).meta({ id: 'Role' })

export const Workspace = z
  .object({
    id: z.string(),
    name: z.string(),
    personal: z.boolean(),
    role: Role.describe('Your own'),
    members: z.number().int(),
  })
  .meta({ id: 'Workspace' })

export const NameWorkspace = z.strictObject({ name }).meta({ id: 'NameWorkspace' })

export const Member = z
  .object({
    userId: z.string(),
    name: z.string(),
    email: z.string(),
    role: Role,
    joinedAt: timestamp,
  })
  .meta({ id: 'Member' })

export const ChangeRole = z.strictObject({ role: Role }).meta({ id: 'ChangeRole' })

export const Invitation = z
  .object({
    id: z.string(),
    role: Role,
    email: z.string().nullable().describe('Who alone may use it; null for whoever has the link'),
    createdAt: timestamp,
    expiresAt: timestamp,
  })
  .meta({ id: 'Invitation' })

export const CreateInvitation = z
  .strictObject({
    role: Role.default('member'),
    email: email.nullable().default(null),
    expiresInDays: z.number().int().min(1).max(30).default(7),
  })
  .meta({ id: 'CreateInvitation' })

export const NewInvitation = Invitation.extend({
  url: z.url().describe('Works once. Shown this once; only a hash is stored'),
  mailed: z.boolean().describe('Whether it is on its way to the address as well'),
}).meta({ id: 'NewInvitation' })

export const LinkToken = z.strictObject({ token: linkToken }).meta({ id: 'LinkToken' })

export const InvitationFacts = z
  .object({ workspace: z.string(), role: Role, email: z.string().nullable(), signUp: z.boolean() })
  .describe('`signUp`: whether somebody without an account can make one with it')
  .meta({ id: 'InvitationFacts' })

export const SignUp = z.strictObject({ name, email, password }).meta({ id: 'SignUp' })

export const SignUpFacts = z
  .object({
    mode: z.enum(['open', 'invitation', 'closed']),
    providers: z.array(z.object({ id: z.enum(['github', 'google']), name: z.string() })),
    mail: z.boolean().describe('Whether a link for a new password can be sent'),
  })
  .meta({ id: 'SignUpFacts' })

export const JoinByInvitation = SignUp.extend({ token: linkToken }).meta({ id: 'JoinByInvitation' })

export const Session = z
  .object({
    id: z.string(),
    current: z.boolean(),
    address: z.string().nullable(),
    userAgent: z.string().nullable(),
    createdAt: timestamp,
    expiresAt: timestamp,
  })
  .meta({ id: 'Session' })

export const ChangePassword = z
  .strictObject({
    current: z.string().min(1).max(128).optional().describe('Not for whoever has none yet'),
    password,
  })
  .meta({ id: 'ChangePassword' })

export const CreatePasswordReset = z.strictObject({ email }).meta({ id: 'CreatePasswordReset' })

export const ResetPassword = z.strictObject({ token: linkToken, password }).meta({ id: 'ResetPassword' })

export const ApiKey = z
  .object({
    id: z.string(),
    name: z.string(),
    prefix: z.string().describe('First characters, to recognise it by'),
    role: Role.describe('At most; never more than the one who made it may do'),
    scopes: z
      .array(z.string())
      .readonly()
      .nullable()
      .describe(
        'What it may do of that; null for all. `write` includes `read`, and `deployments:write` logs',
      ),
    createdBy: z.string(),
    createdAt: timestamp,
    expiresAt: timestamp.nullable(),
    lastUsedAt: timestamp.nullable(),
  })
  .meta({ id: 'ApiKey' })

export const CreateApiKey = z
  .strictObject({
    name,
    role: Role.default('member'),
    scopes: z
      .array(z.enum(API_SCOPES))
      .min(1)
      .max(API_SCOPES.length)
      .nullable()
      .default(null)
      .describe('Hold the key to these; null for all that the role may'),
    expiresInDays: z.number().int().min(1).max(3650).nullable().default(null),
  })
  .meta({ id: 'CreateApiKey' })

export const NewApiKey = ApiKey.extend({
  key: z.string().describe('The key itself. Shown this once; only its hash is stored'),
}).meta({ id: 'NewApiKey' })
