import { queries } from '../db/index.ts'
import type { OAuthOptions } from './context.ts'
import { clientName, webUri } from './client-metadata.ts'
import { OAuthError } from './oauth-error.ts'
import { redirectUriProblem } from './redirect-uris.ts'

const MIN_FRESH_S = 300
const MAX_FRESH_S = 86_400
const DEFAULT_FRESH_S = 3600
const MAX_REDIRECTS = 20
const MAX_LETTERS = 1024

/** Whether a client id is the URL of a metadata document. */
export function isDocumentId(id: string): boolean {
  return /^https?:\/\//i.test(id)
}

/**
 * The client that a metadata document describes: our copy while it is fresh, else fetched anew
 * (draft-ietf-oauth-client-id-metadata-document-00).
 * @throws OAuthError `invalid_client`
 */
export async function findDocumentClient(options: OAuthOptions, id: string): Promise<queries.OAuthClientRow> {
  const url = documentUrl(id)
  requireTrusted(options.documentHosts, url)
  const now = options.clock.now()
  const known = await queries.findOAuthClient(options.db, id)
  if (known?.kind === 'document' && known.fresh_until !== null && known.fresh_until > now) return known
  const answer = await options.fetchDocument(url).catch((error: unknown) => {
    const why = error instanceof Error ? error.message : 'It cannot be fetched.'
    throw new OAuthError('invalid_client', `The client's metadata document cannot be used. ${why}`, error)
  })
  if (answer.status !== 200) {
    throw new OAuthError('invalid_client', `The client's metadata document answers with ${answer.status}.`)
  }
  if (!/^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(answer.contentType)) {
    throw new OAuthError('invalid_client', "The client's metadata document is not sent as JSON.")
  }
  const { name, uri, redirectUris } = readDocument(id, answer.body)
  return queries.putOAuthClient(options.db, {
    id,
    kind: 'document',
    deployment_id: null,
    name,
    uri,
    redirect_uris: redirectUris,
    auth_method: 'none',
    secret_hash: null,
    fresh_until: new Date(now.getTime() + freshSeconds(answer.cacheControl) * 1000),
  })
}

/** Section 3: https, a path, no fragment, no user, no dot segments; written as every reader reads it. */
function documentUrl(id: string): URL {
  const url = URL.parse(id)
  const isPlain =
    url !== null &&
    id.length <= MAX_LETTERS &&
    url.protocol === 'https:' &&
    url.pathname !== '/' &&
    url.username === '' &&
    url.password === '' &&
    !id.includes('#') &&
    url.href === id
  if (isPlain) return url
  throw new OAuthError('invalid_client', 'The client id is no URL of a metadata document.')
}

function requireTrusted(hosts: readonly string[] | null, url: URL): void {
  if (hosts === null) return
  if (hosts.some((host) => url.hostname === host || url.hostname.endsWith(`.${host}`))) return
  throw new OAuthError('invalid_client', `This Catwalk accepts no clients of ${url.hostname}.`)
}

interface Document {
  readonly name: string
  readonly uri: string | null
  readonly redirectUris: string[]
}

function wrong(why: string): OAuthError {
  return new OAuthError('invalid_client', `The client's metadata document ${why}.`)
}

function readDocument(id: string, text: string): Document {
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch {
    throw wrong('is not JSON')
  }
  if (typeof document !== 'object' || document === null) throw wrong('is no object')
  const { client_id, client_name, client_uri, redirect_uris, token_endpoint_auth_method, client_secret } =
    document as Readonly<Record<string, unknown>>
  if (client_id !== id) throw wrong('is of another client')
  if (client_secret !== undefined) throw wrong('holds a secret')
  if (token_endpoint_auth_method !== undefined && token_endpoint_auth_method !== 'none') {
    throw wrong('asks for a way to prove the client that is not offered here; only "none" is')
  }
  if (!Array.isArray(redirect_uris) || redirect_uris.length === 0 || redirect_uris.length > MAX_REDIRECTS) {
    throw wrong('names no redirect URIs, or too many')
  }
  const redirectUris = redirect_uris.filter(
    (uri): uri is string => typeof uri === 'string' && redirectUriProblem(uri) === null,
  )
  if (redirectUris.length === 0) throw wrong('names no redirect URI that may be used')
  return {
    name: clientName(client_name) ?? new URL(id).hostname,
    uri: webUri(client_uri),
    redirectUris,
  }
}

/** How long a copy counts, by its `Cache-Control`, within bounds. */
function freshSeconds(cacheControl: string): number {
  if (/\bno-(?:store|cache)\b/i.test(cacheControl)) return MIN_FRESH_S
  const age = /\bmax-age=(\d{1,9})\b/i.exec(cacheControl)?.[1]
  return Math.min(MAX_FRESH_S, Math.max(MIN_FRESH_S, age === undefined ? DEFAULT_FRESH_S : Number(age)))
}
