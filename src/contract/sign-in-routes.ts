import { z } from 'zod'
import type { Route } from './routes.ts'
import { Me } from './schemas.ts'

const timestamp = z.iso.datetime().describe('RFC 3339, UTC')
const password = z.string().min(1).max(128)

/** For what needs a fresh proof. */
const Proof = z
  .strictObject({
    password: password
      .optional()
      .describe('Your current one. Whoever has none must have signed in within 10 minutes'),
  })
  .meta({ id: 'Proof' })

const SecondFactorCode = z
  .strictObject({ code: z.string().trim().min(6).max(16).describe('Six digits, or a recovery code') })
  .meta({ id: 'SecondFactorCode' })

const WebAuthn = z.record(z.string(), z.unknown()).describe('As WebAuthn Level 3 writes it in JSON')

const Passkey = z
  .object({
    id: z.string(),
    name: z.string(),
    isSynced: z.boolean().describe('Whether a service copies it to other devices'),
    createdAt: timestamp.nullable(),
  })
  .meta({ id: 'Passkey' })

export const passkeyName = z.string().trim().min(1).max(80)

const SignInWays = z
  .object({
    hasPassword: z.boolean(),
    secondFactor: z.object({ enabled: z.boolean(), recoveryCodesLeft: z.number().int() }),
    passkeys: z.array(Passkey),
    accounts: z.array(z.object({ provider: z.enum(['github', 'google']), linkedAt: timestamp })),
    emailVerified: z.boolean(),
  })
  .meta({ id: 'SignInWays' })

const Departure = z.object({ url: z.url().describe('Where the browser goes next') })

const RecoveryCodes = z.array(z.string()).describe('Each works once. Shown this once')

/** Routes by which one signs in and manages how: codes from an app, recovery codes, passkeys. */
export const signInRoutes = {
  finishSignIn: {
    method: 'post',
    path: '/sign-in/code',
    summary: 'End a sign-in that waits for a one-time code; signs in by cookie',
    access: 'public',
    body: SecondFactorCode,
    status: 200,
    response: Me,
  },
  startPasskeySignIn: {
    method: 'post',
    path: '/sign-in/passkey/options',
    summary: 'Begin to sign in by passkey',
    access: 'public',
    status: 200,
    response: z.object({ options: WebAuthn }),
  },
  finishPasskeySignIn: {
    method: 'post',
    path: '/sign-in/passkey',
    summary: 'Sign in by passkey, by cookie',
    access: 'public',
    body: z.strictObject({ response: WebAuthn }).meta({ id: 'PasskeySignIn' }),
    status: 200,
    response: Me,
  },

  startProviderSignIn: {
    method: 'post',
    path: '/sign-in/providers/{provider}',
    summary: 'Begin to sign in by GitHub or Google, where that is configured',
    access: 'public',
    body: z
      .strictObject({
        back: z
          .string()
          .regex(/^\/(?![/\\])[^\p{Cc}]{0,1000}$/u)
          .default('/')
          .describe('Path to come back to'),
        invitation: z.string().min(1).max(256).optional().describe('From the fragment of an invitation link'),
      })
      .meta({ id: 'StartProviderSignIn' }),
    status: 200,
    response: Departure,
  },
  requestPasswordReset: {
    method: 'post',
    path: '/password-resets/request',
    summary:
      'Have a link for a new password sent, where mail is set up. Does not tell whether there is such an account',
    access: 'public',
    body: z.strictObject({ email: z.email().max(254) }).meta({ id: 'RequestPasswordReset' }),
    status: 204,
    response: z.null(),
  },
  verifyEmail: {
    method: 'post',
    path: '/email-verifications/redeem',
    summary: 'Confirm an address by the link that was sent to it',
    access: 'public',
    body: z.strictObject({ token: z.string().min(1).max(256) }).meta({ id: 'VerifyEmail' }),
    status: 204,
    response: z.null(),
  },

  getSignInWays: {
    method: 'get',
    path: '/me/sign-in',
    summary: 'By what you can sign in',
    access: 'viewer',
    scope: 'full',
    status: 200,
    response: SignInWays,
  },
  startSecondFactor: {
    method: 'post',
    path: '/me/second-factor',
    summary:
      'Make a secret for an authenticator app, and recovery codes; nothing is asked for until it is confirmed',
    access: 'viewer',
    scope: 'full',
    body: Proof,
    status: 201,
    response: z
      .object({
        uri: z.string().describe('What an app reads as a QR code'),
        secret: z.string().describe('The same to type in, Base32'),
        recoveryCodes: RecoveryCodes,
      })
      .meta({ id: 'SecondFactorEnrolment' }),
  },
  confirmSecondFactor: {
    method: 'post',
    path: '/me/second-factor/confirm',
    summary: 'Turn one-time codes on by a first code',
    access: 'viewer',
    scope: 'full',
    body: SecondFactorCode,
    status: 204,
    response: z.null(),
  },
  renewRecoveryCodes: {
    method: 'post',
    path: '/me/second-factor/recovery-codes',
    summary: 'Make new recovery codes; the former ones die',
    access: 'viewer',
    scope: 'full',
    body: Proof,
    status: 201,
    response: z.object({ recoveryCodes: RecoveryCodes }),
  },
  removeSecondFactor: {
    method: 'post',
    path: '/me/second-factor/remove',
    summary: 'Turn one-time codes off',
    access: 'viewer',
    scope: 'full',
    body: Proof,
    status: 204,
    response: z.null(),
  },
  resetSecondFactor: {
    method: 'post',
    path: '/second-factor-resets',
    summary: 'Turn one-time codes off for somebody who has lost them',
    access: 'installation',
    scope: 'full',
    body: z.strictObject({ email: z.email().max(254) }).meta({ id: 'ResetSecondFactor' }),
    status: 204,
    response: z.null(),
  },
  startPasskey: {
    method: 'post',
    path: '/me/passkey-options',
    summary: 'Begin to add a passkey',
    access: 'viewer',
    scope: 'full',
    body: Proof,
    status: 200,
    response: z.object({ options: WebAuthn }),
  },
  addPasskey: {
    method: 'post',
    path: '/me/passkeys',
    summary: 'Add a passkey',
    access: 'viewer',
    scope: 'full',
    body: z.strictObject({ name: passkeyName, response: WebAuthn }).meta({ id: 'AddPasskey' }),
    status: 201,
    response: z.object({ items: z.array(Passkey) }),
  },
  sendEmailVerification: {
    method: 'post',
    path: '/me/email-verification',
    summary: 'Have a link sent that confirms your address',
    access: 'viewer',
    scope: 'full',
    status: 204,
    response: z.null(),
  },
  linkAccount: {
    method: 'post',
    path: '/me/accounts/{provider}',
    summary: 'Begin to link your account at GitHub or Google, to sign in with it',
    access: 'viewer',
    scope: 'full',
    body: Proof,
    status: 200,
    response: Departure,
  },
  unlinkAccount: {
    method: 'post',
    path: '/me/accounts/{provider}/remove',
    summary: 'Unlink it',
    access: 'viewer',
    scope: 'full',
    body: Proof,
    status: 204,
    response: z.null(),
  },
  removePasskey: {
    method: 'delete',
    path: '/me/passkeys/{id}',
    summary: 'Remove a passkey',
    access: 'viewer',
    scope: 'full',
    status: 204,
    response: z.null(),
  },
} as const satisfies Record<string, Route>
