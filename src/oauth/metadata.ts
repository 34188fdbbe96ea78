import type { KnownEndpoint, OAuthOptions } from './context.ts'
import { SCOPES } from './scopes.ts'

/**
 * Each endpoint is a resource with an issuer of its own, both named by the endpoint's URL: a client that talks to one
 * authorization server can never be led to another endpoint, and one that names no resource still gets the right one.
 * The root speaks for all endpoints, so it is there only while none of them takes nothing but tokens: some clients
 * ignore the token that they were given as soon as discovery answers anywhere.
 */
export type Issuer =
  { readonly kind: 'endpoint'; readonly endpoint: KnownEndpoint } | { readonly kind: 'root' }

type Named = Pick<OAuthOptions, 'publicUrl' | 'endpoints'>

/** The issuer for `/mcp/{slug}`, or with null that of the root; null when it does not exist. */
export function findIssuer({ endpoints }: Pick<Named, 'endpoints'>, slug: string | null): Issuer | null {
  if (slug !== null) {
    const endpoint = endpoints.find(slug)
    return endpoint?.takesSignIn === true ? { kind: 'endpoint', endpoint } : null
  }
  let any = false
  for (const { takesSignIn, onlyTokens } of endpoints.all()) {
    if (onlyTokens) return null
    any ||= takesSignIn
  }
  return any ? { kind: 'root' } : null
}

/** The issuer's identifier, also that of the resource. */
export function issuerUrl({ publicUrl }: Pick<Named, 'publicUrl'>, issuer: Issuer): string {
  return issuer.kind === 'root' ? publicUrl : `${publicUrl}/mcp/${issuer.endpoint.slug}`
}

/** RFC 9728, section 2. */
export function resourceMetadata(options: Named, issuer: Issuer): Readonly<Record<string, unknown>> {
  const url = issuerUrl(options, issuer)
  return {
    resource: url,
    authorization_servers: [url],
    scopes_supported: SCOPES,
    bearer_methods_supported: ['header'],
    resource_name: issuer.kind === 'root' ? 'Catwalk' : issuer.endpoint.slug,
    resource_documentation: `${options.publicUrl}/docs/oauth`,
  }
}

/** RFC 8414, section 2, with what OpenID Connect Discovery 1.0 wants to be there. No identity tokens are issued. */
export function serverMetadata(
  options: Named & Pick<OAuthOptions, 'documentHosts'>,
  issuer: Issuer,
): Readonly<Record<string, unknown>> {
  const base = `${options.publicUrl}/oauth${issuer.kind === 'root' ? '' : `/${issuer.endpoint.slug}`}`
  const methods = ['none', 'client_secret_post', 'client_secret_basic']
  return {
    issuer: issuerUrl(options, issuer),
    authorization_endpoint: `${base}/authorize`,
    token_endpoint: `${base}/token`,
    registration_endpoint: `${base}/register`,
    revocation_endpoint: `${base}/revoke`,
    response_types_supported: ['code'],
    response_modes_supported: ['query'],
    grant_types_supported: ['authorization_code', 'refresh_token'],
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: methods,
    revocation_endpoint_auth_methods_supported: methods,
    scopes_supported: SCOPES,
    authorization_response_iss_parameter_supported: true,
    client_id_metadata_document_supported: options.documentHosts?.length !== 0,
    service_documentation: `${options.publicUrl}/docs/oauth`,
    protected_resources: [issuerUrl(options, issuer)],
    jwks_uri: `${options.publicUrl}/oauth/keys`,
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
  }
}
