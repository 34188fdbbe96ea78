import { queries } from '../db/index.ts'
import { CatwalkError, newId, type Actor } from '../domain/index.ts'
import type { Sealer } from '../protocol/index.ts'
import { findClient } from './clients.ts'
import { newSecret, type OAuthOptions } from './context.ts'
import { issuerUrl, type Issuer } from './metadata.ts'
import { OAuthError } from './oauth-error.ts'
import { isOwnMachine, isRegistered, redirectHost } from './redirect-uris.ts'
import { requestedScopes, type OAuthScope } from './scopes.ts'

/** Time to sign in and decide. */
const DECISION_MS = 15 * 60_000
/** Time to redeem a code. */
const CODE_MS = 5 * 60_000
const MAX_STATE_LETTERS = 2000
const ONCE = [
  'response_type',
  'response_mode',
  'client_id',
  'redirect_uri',
  'scope',
  'state',
  'code_challenge',
  'code_challenge_method',
  'prompt',
]

/** A valid request of a client that waits for a person. */
interface Pending {
  readonly clientId: string
  readonly redirectUri: string
  readonly state: string | null
  readonly challenge: string
  readonly deploymentId: string
  readonly scopes: readonly OAuthScope[]
  readonly issuer: string
  readonly expiresAtMs: number
}

export type AuthorizeAnswer =
  /** The client or its redirect cannot be trusted: told to the person, and the browser is sent nowhere. */
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'redirect'; readonly to: string }
  /** A person has to decide; `request` is what the page asks with. */
  | { readonly kind: 'ask'; readonly request: string }

/**
 * Answers a client's authorization request (OAuth 2.1, section 4.1.1). Somebody who is signed in and allowed this very
 * client the same before is not asked again, unless the redirect leads to their own machine, where anybody can listen.
 */
export async function authorize(
  options: OAuthOptions,
  issuer: Issuer,
  query: URLSearchParams,
  actor: Actor | null,
): Promise<AuthorizeAnswer> {
  let trusted: { client: queries.OAuthClientRow; redirectUri: string }
  try {
    trusted = await trustedRedirect(options, issuer, query)
  } catch (error) {
    if (error instanceof OAuthError) return { kind: 'refused', message: error.message }
    throw error
  }
  const { client, redirectUri } = trusted
  const to = { redirectUri, state: query.get('state'), issuer: issuerUrl(options, issuer) }
  let pending: Pending
  try {
    pending = {
      ...to,
      clientId: client.id,
      ...readRequest(options, issuer, query),
      expiresAtMs: options.clock.now().getTime() + DECISION_MS,
    }
  } catch (error) {
    if (error instanceof OAuthError)
      return { kind: 'redirect', to: errorRedirect(to, error.code, error.message) }
    throw error
  }
  if (actor?.kind === 'user' && query.get('prompt') !== 'consent' && !isOwnMachine(redirectUri)) {
    const again = await allowAgain(options, pending, actor)
    if (again !== null) return { kind: 'redirect', to: again }
  }
  return { kind: 'ask', request: sealPending(options.requestSealer, pending) }
}

/** @throws OAuthError */
async function trustedRedirect(
  options: OAuthOptions,
  issuer: Issuer,
  query: URLSearchParams,
): Promise<{ client: queries.OAuthClientRow; redirectUri: string }> {
  for (const name of ['client_id', 'redirect_uri']) {
    if (query.getAll(name).length > 1) throw new OAuthError('invalid_request', `${name} is there twice.`)
  }
  const client = await findClient(options, issuer, query.get('client_id'))
  const redirectUri =
    query.get('redirect_uri') ?? (client.redirect_uris.length === 1 ? client.redirect_uris[0] : undefined)
  if (redirectUri === undefined || !isRegistered(client.redirect_uris, redirectUri)) {
    throw new OAuthError(
      'invalid_redirect_uri',
      'The client wants you to be sent to an address that it has not registered.',
    )
  }
  return { client, redirectUri }
}

/** @throws OAuthError with what the client is told */
function readRequest(
  options: OAuthOptions,
  issuer: Issuer,
  query: URLSearchParams,
): Pick<Pending, 'challenge' | 'deploymentId' | 'scopes'> {
  for (const name of ONCE) {
    if (query.getAll(name).length > 1) throw new OAuthError('invalid_request', `${name} is there twice.`)
  }
  if (query.get('response_type') !== 'code') {
    throw new OAuthError('unsupported_response_type', 'Only response_type "code" is answered.')
  }
  const mode = query.get('response_mode')
  if (mode !== null && mode !== 'query') {
    throw new OAuthError('invalid_request', 'Only response_mode "query" is answered.')
  }
  if (query.has('request') || query.has('request_uri')) {
    throw new OAuthError('invalid_request', 'Request objects are not read.')
  }
  if ((query.get('state') ?? '').length > MAX_STATE_LETTERS) {
    throw new OAuthError('invalid_request', `state has at most ${MAX_STATE_LETTERS} characters.`)
  }
  const challenge = query.get('code_challenge')
  if (query.get('code_challenge_method') !== 'S256' || challenge === null) {
    throw new OAuthError('invalid_request', 'PKCE with code_challenge_method "S256" is required.')
  }
  if (!/^[\w-]{43}$/.test(challenge)) throw new OAuthError('invalid_request', 'code_challenge is no SHA-256.')
  return {
    challenge,
    deploymentId: targetOf(options, issuer, query.getAll('resource')),
    scopes: requestedScopes(query.get('scope')),
  }
}

/**
 * The deployment that a request is for (RFC 8707). An issuer of one endpoint needs no word of it, but takes no other.
 * @throws OAuthError `invalid_target`
 */
export function targetOf(options: OAuthOptions, issuer: Issuer, resources: readonly string[]): string {
  const wrong = new OAuthError(
    'invalid_target',
    'resource names no endpoint of this server that lets people sign in.',
  )
  const named = new Set(resources.map((resource) => endpointOf(options, resource)))
  if (issuer.kind === 'endpoint') {
    const { deploymentId } = issuer.endpoint
    if ([...named].every((id) => id === deploymentId)) return deploymentId
    throw wrong
  }
  // The root itself means the only one.
  named.delete('root')
  if (named.size > 1) throw wrong
  const [one] = named
  if (one !== undefined) {
    if (one === null) throw wrong
    return one
  }
  const candidates = [...options.endpoints.all()].filter(({ takesSignIn }) => takesSignIn)
  const [only] = candidates
  if (only !== undefined && candidates.length === 1) return only.deploymentId
  throw new OAuthError('invalid_target', 'resource must name the endpoint.')
}

/** The deployment of a resource; 'root' for our origin, null for what is none of ours. */
function endpointOf(options: OAuthOptions, resource: string): string | null {
  const path = resource.startsWith(options.publicUrl) ? resource.slice(options.publicUrl.length) : null
  if (path === '' || path === '/') return 'root'
  // The deprecated transport has a path of its own at the same endpoint.
  const slug = path === null ? undefined : /^\/mcp\/([a-z0-9-]+)(?:\/sse)?\/?$/.exec(path)?.[1]
  const endpoint = slug === undefined ? undefined : options.endpoints.find(slug)
  return endpoint?.takesSignIn === true ? endpoint.deploymentId : null
}

async function allowAgain(options: OAuthOptions, pending: Pending, actor: Actor): Promise<string | null> {
  const { db } = options
  const consent = await queries.findConsent(db, actor.id, pending.clientId, pending.deploymentId)
  // To another address it is another question, even of the same client.
  if (consent === null || consent.redirect_uri !== pending.redirectUri) return null
  if (!pending.scopes.every((scope) => consent.scopes.includes(scope))) return null
  const endpoint = await queries.findOAuthEndpoint(db, pending.deploymentId, actor.id)
  if (endpoint === null || endpoint.role === null) return null
  const { secret, hash } = newSecret('cwc_')
  await queries.insertOAuthCode(db, {
    hash,
    connection_id: consent.id,
    redirect_uri: pending.redirectUri,
    challenge: pending.challenge,
    scopes: [...pending.scopes],
    expires_at: codeEnd(options),
  })
  return codeRedirect(pending, secret)
}

/** What a person is to decide. */
export interface Question {
  readonly client: {
    readonly name: string
    readonly kind: queries.OAuthClientRow['kind']
    /** The document's host, or its own page; null when it says nothing that we know to be true. */
    readonly host: string | null
  }
  readonly redirect: { readonly host: string; readonly ownMachine: boolean }
  readonly deployment: { readonly name: string; readonly slug: string; readonly workspace: string }
  readonly scopes: readonly OAuthScope[]
  /** Whether their role lets a client call tools for them. */
  readonly mayCallTools: boolean
  /** Whether they allowed this client something here before. */
  readonly before: boolean
}

/**
 * What a request asks of the person who is signed in.
 * @throws CatwalkError `authorization_expired`, `authorization_not_allowed`
 */
export async function lookAtRequest(options: OAuthOptions, actor: Actor, request: string): Promise<Question> {
  const { pending, client, endpoint } = await open(options, actor, request)
  const consent = await queries.findConsent(options.db, actor.id, client.id, endpoint.id)
  return {
    client: {
      name: client.name,
      kind: client.kind,
      host: client.kind === 'document' ? new URL(client.id).host : null,
    },
    redirect: { host: redirectHost(pending.redirectUri), ownMachine: isOwnMachine(pending.redirectUri) },
    deployment: { name: endpoint.name, slug: endpoint.slug, workspace: endpoint.workspace_name },
    scopes: pending.scopes,
    mayCallTools: endpoint.role !== 'viewer',
    before: consent !== null,
  }
}

/**
 * Writes down what a person decided. Returns where the browser goes next, with a code or `access_denied`.
 * @throws CatwalkError `authorization_expired`, `authorization_not_allowed`
 */
export async function decide(
  options: OAuthOptions,
  actor: Actor,
  input: { readonly request: string; readonly allow: boolean; readonly tools: boolean },
): Promise<string> {
  const { pending, client, endpoint } = await open(options, actor, input.request)
  const audited = { ...actor, workspaceId: endpoint.workspace_id, role: endpoint.role }
  const detail = { client: client.name, clientId: client.id, redirect: redirectHost(pending.redirectUri) }
  if (!input.allow) {
    await queries.recordAudit(options.db, {
      actor: audited,
      action: 'connection.refuse',
      target: endpoint.id,
      detail,
    })
    return errorRedirect(pending, 'access_denied', 'The person did not allow it.')
  }
  const scopes = input.tools && endpoint.role !== 'viewer' ? pending.scopes : (['mcp:read'] as const)
  const { secret, hash } = newSecret('cwc_')
  await options.db.transaction().execute(async (tx) => {
    const connection = await queries.putConsent(tx, {
      id: newId('connection'),
      client_id: client.id,
      user_id: actor.id,
      deployment_id: endpoint.id,
      scopes: [...scopes],
      redirect_uri: pending.redirectUri,
    })
    await queries.insertOAuthCode(tx, {
      hash,
      connection_id: connection,
      redirect_uri: pending.redirectUri,
      challenge: pending.challenge,
      scopes: [...scopes],
      expires_at: codeEnd(options),
    })
    await queries.recordAudit(tx, {
      actor: audited,
      action: 'connection.allow',
      target: connection,
      detail: { ...detail, deployment: endpoint.id, scopes: scopes.join(' ') },
    })
  })
  return codeRedirect(pending, secret)
}

async function open(options: OAuthOptions, actor: Actor, request: string) {
  const pending = openPending(options.requestSealer, request)
  if (pending === null || pending.expiresAtMs <= options.clock.now().getTime()) throw expired()
  if (actor.kind !== 'user') throw notAllowed('An API key cannot allow a client anything.')
  const endpoint = await queries.findOAuthEndpoint(options.db, pending.deploymentId, actor.id)
  if (endpoint === null) throw notAllowed('The endpoint does not exist any more, or lets nobody sign in.')
  const { role } = endpoint
  if (role === null) throw notAllowed(`You are not in the workspace of ${endpoint.name}.`)
  const client = await queries.findOAuthClient(options.db, pending.clientId)
  if (client === null) throw expired()
  return { pending, client, endpoint: { ...endpoint, role } }
}

function expired(): CatwalkError {
  return new CatwalkError('authorization_expired', 'This request of the client has expired.')
}

function notAllowed(message: string): CatwalkError {
  return new CatwalkError('authorization_not_allowed', message)
}

function sealPending(sealer: Sealer, pending: Pending): string {
  return sealer.seal(Buffer.from(JSON.stringify(pending)))
}

function openPending(sealer: Sealer, request: string): Pending | null {
  const content = sealer.open(request)
  // Authenticated: only sealPending wrote it.
  return content === undefined ? null : (JSON.parse(content.toString()) as Pending)
}

const codeEnd = ({ clock }: OAuthOptions) => new Date(clock.now().getTime() + CODE_MS)

type Back = Pick<Pending, 'redirectUri' | 'state' | 'issuer'>

function codeRedirect(back: Back, code: string): string {
  return backTo(back, { code })
}

function errorRedirect(back: Back, error: string, description: string): string {
  return backTo(back, { error, error_description: description })
}

/** With `iss` (RFC 9207), so that a client notices an answer that comes from another server than it asked. */
function backTo({ redirectUri, state, issuer }: Back, answer: Readonly<Record<string, string>>): string {
  const url = new URL(redirectUri)
  for (const [name, value] of Object.entries(answer)) url.searchParams.set(name, value)
  if (state !== null) url.searchParams.set('state', state)
  url.searchParams.set('iss', issuer)
  return url.href
}
