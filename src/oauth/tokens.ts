import { createHash } from 'node:crypto'
import { queries } from '../db/index.ts'
import { newId, type Actor } from '../domain/index.ts'
import { openAccessToken, sealAccessToken } from '../protocol/index.ts'
import { targetOf } from './authorize.ts'
import { findClient, readCredentials, requireProof } from './clients.ts'
import { hashSecret, newSecret, type OAuthOptions } from './context.ts'
import type { Issuer } from './metadata.ts'
import { OAuthError } from './oauth-error.ts'

const ACCESS_S = 3600
/** From the last refresh on. */
const REFRESH_MS = 30 * 86_400_000
/** Devices of one client, for one person at one endpoint. */
const MAX_AUTHORIZATIONS = 20

interface Issued {
  readonly authorizationId: string
  readonly deploymentId: string
  readonly scopes: readonly string[]
  readonly refreshToken: string
}

type Outcome =
  { readonly kind: 'issued'; readonly issued: Issued } | { readonly kind: 'refused'; readonly why: string }

/**
 * Answers the token endpoint (OAuth 2.1, sections 3.2, 4.1.3 and 4.3).
 * @throws OAuthError `invalid_client`, `invalid_grant`, `invalid_request`, `invalid_target`, `unsupported_grant_type`
 */
export async function issueTokens(
  options: OAuthOptions,
  issuer: Issuer,
  body: URLSearchParams,
  authorization: string | null,
): Promise<Readonly<Record<string, unknown>>> {
  for (const name of new Set(body.keys())) {
    if (name !== 'resource' && body.getAll(name).length > 1) {
      throw new OAuthError('invalid_request', 'A parameter is there twice.')
    }
  }
  const client = await provenClient(options, issuer, body, authorization)
  const grant = body.get('grant_type')
  if (grant !== 'authorization_code' && grant !== 'refresh_token') {
    throw new OAuthError('unsupported_grant_type', 'grant_type is authorization_code or refresh_token.')
  }
  const outcome =
    grant === 'authorization_code'
      ? await redeemCode(options, issuer, client, body)
      : await refresh(options, issuer, client, body)
  if (outcome.kind === 'refused') throw new OAuthError('invalid_grant', outcome.why)
  const { authorizationId, deploymentId, scopes, refreshToken } = outcome.issued
  await options.whenKnown(deploymentId, authorizationId)
  return {
    access_token: sealAccessToken(options.tokenSealer, {
      authorizationId,
      deploymentId,
      scope: scopes.includes('mcp:tools') ? 'full' : 'read',
      expiresAt: Math.floor(options.clock.now().getTime() / 1000) + ACCESS_S,
    }),
    token_type: 'Bearer',
    expires_in: ACCESS_S,
    refresh_token: refreshToken,
    scope: scopes.join(' '),
  }
}

/** A client at the token endpoint. A document is not fetched again for it: what counts was asked of the person. */
async function provenClient(
  options: OAuthOptions,
  issuer: Issuer,
  body: URLSearchParams,
  authorization: string | null,
): Promise<queries.OAuthClientRow> {
  const { id, secret } = readCredentials(body, authorization)
  const known = id === null ? null : await queries.findOAuthClient(options.db, id)
  const client = known?.kind === 'document' ? known : await findClient(options, issuer, id)
  requireProof(client, secret)
  return client
}

const USELESS = 'The code is unknown, has expired, was redeemed before, or belongs to another request.'

async function redeemCode(
  options: OAuthOptions,
  issuer: Issuer,
  client: queries.OAuthClientRow,
  body: URLSearchParams,
): Promise<Outcome> {
  const { db, clock } = options
  const code = body.get('code')
  const verifier = body.get('code_verifier')
  if (code === null || verifier === null) {
    throw new OAuthError('invalid_request', 'code and code_verifier are required.')
  }
  const hash = hashSecret(code)
  return db.transaction().execute(async (tx): Promise<Outcome> => {
    const found = await queries.lockOAuthCode(tx, hash)
    if (found === null || found.client_id !== client.id) return { kind: 'refused', why: USELESS }
    if (found.redeemed_at !== null) {
      // Whoever has it a second time may have had it the first time as well (OAuth 2.1, section 4.1.3).
      await endAuthorization(tx, found, found.authorization_id, 'connection.code_replayed')
      return { kind: 'refused', why: USELESS }
    }
    const fits =
      found.expires_at > clock.now() &&
      found.redirect_uri === body.get('redirect_uri') &&
      createHash('sha256').update(verifier).digest('base64url') === found.challenge &&
      /^[\w.~-]{43,128}$/.test(verifier)
    if (!fits) return { kind: 'refused', why: USELESS }
    const problem = stillAllowed(options, issuer, found, body)
    if (problem !== null) return { kind: 'refused', why: problem }
    const authorizationId = newId('authorization')
    const { secret, hash: refreshHash } = newSecret('cwr_')
    const expiresAt = new Date(clock.now().getTime() + REFRESH_MS)
    await queries.insertAuthorization(
      tx,
      {
        id: authorizationId,
        connection_id: found.connection_id,
        scopes: [...found.scopes],
        expires_at: expiresAt,
      },
      MAX_AUTHORIZATIONS,
    )
    await queries.redeemOAuthCode(tx, hash, authorizationId)
    await queries.rotateRefreshToken(tx, authorizationId, null, { hash: refreshHash, expires_at: expiresAt })
    await queries.announce(tx, 'deployment', found.deployment_id)
    return {
      kind: 'issued',
      issued: {
        authorizationId,
        deploymentId: found.deployment_id,
        scopes: found.scopes,
        refreshToken: secret,
      },
    }
  })
}

const UNKNOWN = 'The refresh token is unknown, has expired, or was used before. Sign in again.'

async function refresh(
  options: OAuthOptions,
  issuer: Issuer,
  client: queries.OAuthClientRow,
  body: URLSearchParams,
): Promise<Outcome> {
  const { db, clock } = options
  const token = body.get('refresh_token')
  if (token === null) throw new OAuthError('invalid_request', 'refresh_token is required.')
  const hash = hashSecret(token)
  return db.transaction().execute(async (tx): Promise<Outcome> => {
    const found = await queries.lockRefreshToken(tx, hash)
    if (found === null || found.client_id !== client.id) return { kind: 'refused', why: UNKNOWN }
    if (found.used_at !== null) {
      // One of the two who used it has stolen it, and nobody can tell which (OAuth 2.1, section 4.3.1).
      await endAuthorization(tx, found, found.authorization_id, 'connection.refresh_reused')
      return { kind: 'refused', why: UNKNOWN }
    }
    if (found.expires_at <= clock.now()) return { kind: 'refused', why: UNKNOWN }
    const problem = stillAllowed(options, issuer, found, body)
    if (problem !== null) return { kind: 'refused', why: problem }
    const next = newSecret('cwr_')
    await queries.rotateRefreshToken(tx, found.authorization_id, hash, {
      hash: next.hash,
      expires_at: new Date(clock.now().getTime() + REFRESH_MS),
    })
    return {
      kind: 'issued',
      issued: {
        authorizationId: found.authorization_id,
        deploymentId: found.deployment_id,
        scopes: found.scopes,
        refreshToken: next.secret,
      },
    }
  })
}

/** Why what was allowed does not hold any more, or not here; null when it does. */
function stillAllowed(
  options: OAuthOptions,
  issuer: Issuer,
  grant: queries.OAuthGrantRow,
  body: URLSearchParams,
): string | null {
  if (grant.role === null) return 'The person has left the workspace.'
  if (grant.access !== 'oauth' && grant.access !== 'both') return 'The endpoint lets nobody sign in any more.'
  if (issuer.kind === 'endpoint' && issuer.endpoint.deploymentId !== grant.deployment_id) return USELESS
  const resources = body.getAll('resource')
  if (resources.length > 0 && targetOf(options, issuer, resources) !== grant.deployment_id) {
    throw new OAuthError('invalid_target', 'resource is not what the person allowed.')
  }
  return null
}

async function endAuthorization(
  tx: queries.Handle,
  grant: queries.OAuthGrantRow,
  authorizationId: string | null,
  action: 'connection.code_replayed' | 'connection.refresh_reused',
): Promise<void> {
  if (authorizationId !== null) await queries.deleteAuthorization(tx, authorizationId)
  const actor: Actor = {
    kind: 'system',
    id: 'oauth',
    label: 'Signing in to endpoints',
    workspaceId: grant.workspace_id,
    role: 'viewer',
    address: null,
  }
  await queries.recordAudit(tx, {
    actor,
    action,
    target: grant.connection_id,
    outcome: 'refused',
    detail: { clientId: grant.client_id, user: grant.user_id },
  })
  await queries.announce(tx, 'deployment', grant.deployment_id)
}

/**
 * Ends what a token belongs to, on the wish of the client that has it (RFC 7009). An unknown token is no error.
 * @throws OAuthError `invalid_client`, `invalid_request`
 */
export async function revokeToken(
  options: OAuthOptions,
  issuer: Issuer,
  body: URLSearchParams,
  authorization: string | null,
): Promise<void> {
  const client = await provenClient(options, issuer, body, authorization)
  const token = body.get('token')
  if (token === null) throw new OAuthError('invalid_request', 'token is required.')
  await options.db.transaction().execute(async (tx) => {
    const id =
      openAccessToken(options.tokenSealer, token)?.authorizationId ??
      (await queries.lockRefreshToken(tx, hashSecret(token)))?.authorization_id
    const connection = id === undefined ? null : await queries.connectionOfAuthorization(tx, id)
    if (id === undefined || connection === null || connection.client_id !== client.id) return
    await queries.deleteAuthorization(tx, id)
    await queries.announce(tx, 'deployment', connection.deployment_id)
  })
}
