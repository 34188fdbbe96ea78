import { createHash, randomBytes } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { DB } from '../db/index.ts'
import type { Clock } from '../domain/index.ts'
import type { Sealer } from '../protocol/index.ts'

/** An endpoint as the gateways know it. */
export interface KnownEndpoint {
  readonly deploymentId: string
  readonly slug: string
  /** Whether callers may sign in. */
  readonly takesSignIn: boolean
  /** Whether it takes nothing but endpoint tokens. */
  readonly onlyTokens: boolean
}

export interface Endpoints {
  find(slug: string): KnownEndpoint | undefined
  all(): Iterable<KnownEndpoint>
}

/** The answer to a request for a client's metadata document. */
export interface DocumentAnswer {
  readonly status: number
  readonly contentType: string
  readonly cacheControl: string
  readonly body: string
}

/**
 * Fetches a document that somebody else named, from the public internet only, without following redirects, within
 * limits of time and size.
 * @throws Error with a public message
 */
export type FetchDocument = (url: URL) => Promise<DocumentAnswer>

/** What came back for one request, as a client sees it. */
export interface AskedAnswer {
  readonly status: number
  readonly challenge: string | null
  /** Null when it is no JSON object. */
  readonly body: Readonly<Record<string, unknown>> | null
}

/** Sends a request to our own public address. Rejects when there is no answer. */
export type AskOwn = (
  url: string,
  init: { readonly method: 'GET' | 'POST'; readonly body?: string },
) => Promise<AskedAnswer>

export interface OAuthOptions {
  readonly db: Kysely<DB>
  readonly clock: Clock
  /** Origin without a trailing slash. */
  readonly publicUrl: string
  /** Seals access tokens; gateways open them with the same. */
  readonly tokenSealer: Sealer
  /** Seals requests that wait for a person's decision. */
  readonly requestSealer: Sealer
  readonly endpoints: Endpoints
  readonly fetchDocument: FetchDocument
  readonly askOwn: AskOwn
  /** Hosts whose metadata documents are accepted, subdomains included; null for all, empty for none. */
  readonly documentHosts: readonly string[] | null
  /** Resolves once the gateway beside us lets the authorization in, or after a while. */
  readonly whenKnown: (deploymentId: string, authorizationId: string) => Promise<void>
}

/** A secret of 256 random bits, so that a plain hash of it is enough. */
export function newSecret(prefix: string): { readonly secret: string; readonly hash: Buffer } {
  const secret = prefix + randomBytes(32).toString('base64url')
  return { secret, hash: hashSecret(secret) }
}

export function hashSecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}
