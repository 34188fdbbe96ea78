import { timingSafeEqual } from 'node:crypto'
import { queries } from '../db/index.ts'
import { newId } from '../domain/index.ts'
import { clientName, webUri } from './client-metadata.ts'
import { findDocumentClient, isDocumentId } from './client-documents.ts'
import { hashSecret, newSecret, type OAuthOptions } from './context.ts'
import type { Issuer } from './metadata.ts'
import { OAuthError } from './oauth-error.ts'
import { redirectUriProblem } from './redirect-uris.ts'

const MAX_REDIRECTS = 20
/** Clients of one issuer that registered themselves and were never allowed anything. */
const MAX_UNUSED = 500
const METHODS = ['none', 'client_secret_post', 'client_secret_basic'] as const

type Method = (typeof METHODS)[number]

/**
 * A client that may be used at this issuer.
 * @throws OAuthError `invalid_client`
 */
export async function findClient(
  options: OAuthOptions,
  issuer: Issuer,
  id: string | null,
): Promise<queries.OAuthClientRow> {
  if (id === null || id === '') throw new OAuthError('invalid_client', 'The client does not say which it is.')
  if (isDocumentId(id)) return findDocumentClient(options, id)
  const client = await queries.findOAuthClient(options.db, id)
  // A client id belongs to the server that gave it out.
  const deploymentId = issuer.kind === 'endpoint' ? issuer.endpoint.deploymentId : null
  if (client !== null && client.deployment_id === deploymentId) return client
  throw new OAuthError(
    'invalid_client',
    'The client is not registered at this endpoint, or was not used for too long. Remove the server in the client and add it again.',
  )
}

/**
 * Registers a client (RFC 7591). Whoever can ask may, so it is allowed nothing by this.
 * @throws OAuthError `invalid_client_metadata`, `invalid_redirect_uri`, `temporarily_unavailable`
 */
export async function registerClient(
  options: OAuthOptions,
  issuer: Issuer,
  metadata: unknown,
): Promise<Readonly<Record<string, unknown>>> {
  if (typeof metadata !== 'object' || metadata === null) {
    throw new OAuthError('invalid_client_metadata', 'The metadata are no JSON object.')
  }
  const given = metadata as Readonly<Record<string, unknown>>
  const redirectUris = readRedirectUris(given['redirect_uris'])
  const method = readMethod(given['token_endpoint_auth_method'])
  readList(given['grant_types'], 'authorization_code', 'grant_types')
  readList(given['response_types'], 'code', 'response_types')
  const deploymentId = issuer.kind === 'endpoint' ? issuer.endpoint.deploymentId : null
  if ((await queries.countUnusedOAuthClients(options.db, deploymentId)) >= MAX_UNUSED) {
    throw new OAuthError(
      'temporarily_unavailable',
      'Too many clients have registered that were not used. They expire within a day.',
    )
  }
  const name = clientName(given['client_name']) ?? 'A client without a name'
  const proof = method === 'none' ? null : newSecret('cws_')
  const client = await queries.putOAuthClient(options.db, {
    id: newId('oauthClient'),
    kind: 'registered',
    deployment_id: deploymentId,
    name,
    uri: webUri(given['client_uri']),
    redirect_uris: redirectUris,
    auth_method: method,
    secret_hash: proof?.hash ?? null,
    fresh_until: null,
  })
  return {
    client_id: client.id,
    client_id_issued_at: Math.floor(client.created_at.getTime() / 1000),
    ...(proof === null ? {} : { client_secret: proof.secret, client_secret_expires_at: 0 }),
    client_name: client.name,
    ...(client.uri === null ? {} : { client_uri: client.uri }),
    redirect_uris: client.redirect_uris,
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: client.auth_method,
  }
}

function readRedirectUris(value: unknown): string[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_REDIRECTS) {
    throw new OAuthError('invalid_redirect_uri', `redirect_uris has 1 to ${MAX_REDIRECTS} entries.`)
  }
  return value.map((uri: unknown) => {
    const problem = typeof uri === 'string' ? redirectUriProblem(uri) : 'is no text'
    if (typeof uri === 'string' && problem === null) return uri
    throw new OAuthError('invalid_redirect_uri', `A redirect URI ${problem ?? ''}.`)
  })
}

/** Without a wish a client is one with a secret (RFC 7591, section 2). */
function readMethod(value: unknown): Method {
  const method = METHODS.find((known) => known === (value ?? 'client_secret_basic'))
  if (method !== undefined) return method
  throw new OAuthError(
    'invalid_client_metadata',
    `token_endpoint_auth_method is one of ${METHODS.join(', ')}.`,
  )
}

function readList(value: unknown, needed: string, name: string): void {
  if (value === undefined || (Array.isArray(value) && value.includes(needed))) return
  throw new OAuthError('invalid_client_metadata', `${name} must have "${needed}".`)
}

/** What a client sends to prove itself: in the body or by HTTP Basic (RFC 6749, section 2.3.1), never both. */
export function readCredentials(
  body: URLSearchParams,
  authorization: string | null,
): { readonly id: string | null; readonly secret: string | null } {
  if (authorization === null) return { id: body.get('client_id'), secret: body.get('client_secret') }
  const pair = /^basic +([a-z0-9+/]+={0,2}) *$/i.exec(authorization)?.[1]
  const text = pair === undefined ? '' : Buffer.from(pair, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  if (colon === -1 || body.has('client_secret')) {
    throw new OAuthError('invalid_client', 'The client proves itself in no way that is known here.')
  }
  const id = decodeForm(text.slice(0, colon))
  if (body.has('client_id') && body.get('client_id') !== id) {
    throw new OAuthError('invalid_client', 'The client says two different ids.')
  }
  return { id, secret: decodeForm(text.slice(colon + 1)) }
}

function decodeForm(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    throw new OAuthError('invalid_client', 'The client id or secret is not encoded as a form is.')
  }
}

/** @throws OAuthError `invalid_client` when a client with a secret does not prove itself */
export function requireProof(client: queries.OAuthClientRow, secret: string | null): void {
  if (client.secret_hash === null) return
  if (secret !== null && timingSafeEqual(client.secret_hash, hashSecret(secret))) return
  throw new OAuthError('invalid_client', "The client's secret is missing or wrong.")
}
