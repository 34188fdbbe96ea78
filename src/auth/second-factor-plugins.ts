import { passkey } from '@better-auth/passkey'
import { APIError } from 'better-auth/api'
import { twoFactor } from 'better-auth/plugins/two-factor'

/** The library's one-time codes (TOTP, RFC 6238) with recovery codes, on our tables. */
// The library's type is made from its options, so it is inferred.
// eslint-disable-next-line typescript/explicit-module-boundary-types
export function oneTimeCodes() {
  const plugin = twoFactor({
    issuer: 'Catwalk',
    // Whoever has no password proves who they are by signing in anew: see prove.ts.
    allowPasswordless: true,
    schema: {
      user: { fields: { twoFactorEnabled: 'two_factor_enabled' } },
      twoFactor: {
        modelName: 'two_factors',
        fields: {
          userId: 'user_id',
          backupCodes: 'backup_codes',
          failedVerificationCount: 'failed_verification_count',
          lockedUntil: 'locked_until',
        },
      },
    },
  })
  // Whoever comes from a provider is asked for a code like whoever enters a password; the library asks the latter only.
  const after = plugin.hooks.after.map((hook) => ({
    ...hook,
    matcher: (context: { readonly path?: string | undefined }) =>
      context.path === '/sign-in/email' || context.path === '/callback/:id',
  }))
  return { ...plugin, hooks: { ...plugin.hooks, after } }
}

/** The library's passkeys (WebAuthn), on our tables. A passkey stands for both factors, so it must verify its user. */
// eslint-disable-next-line typescript/explicit-module-boundary-types
export function passkeys(publicUrl: URL) {
  return passkey({
    rpID: publicUrl.hostname,
    rpName: 'Catwalk',
    origin: publicUrl.origin,
    authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
    advanced: { webAuthnChallengeCookie: 'passkey' },
    registration: {
      afterVerification: ({ verification }) => {
        requireVerifiedUser(verification.registrationInfo?.userVerified)
      },
    },
    authentication: {
      afterVerification: ({ verification }) => {
        requireVerifiedUser(verification.authenticationInfo.userVerified)
      },
    },
    schema: {
      passkey: {
        modelName: 'passkeys',
        fields: {
          userId: 'user_id',
          publicKey: 'public_key',
          credentialID: 'credential_id',
          deviceType: 'device_type',
          backedUp: 'backed_up',
          createdAt: 'created_at',
        },
      },
    },
  })
}

function requireVerifiedUser(verified: boolean | undefined): void {
  if (verified === true) return
  throw new APIError('UNAUTHORIZED', { message: 'The passkey did not verify its user.' })
}
