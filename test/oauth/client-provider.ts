import type { OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js'

/** What a client keeps of its sign-in. */
export interface Kept {
  client?: Parameters<NonNullable<OAuthClientProvider['saveClientInformation']>>[0]
  tokens?: Parameters<OAuthClientProvider['saveTokens']>[0]
  verifier: string
  discovery?: Parameters<NonNullable<OAuthClientProvider['saveDiscoveryState']>>[0]
  /** Where the client sent the browser. */
  sentTo: URL | null
}

/** What a program that uses the official client has to write for it. */
export function clientProvider(
  redirectUrl: string,
  documentUrl: string | null,
): OAuthClientProvider & { kept: Kept } {
  const kept: Kept = { verifier: '', sentTo: null }
  return {
    kept,
    redirectUrl,
    ...(documentUrl === null ? {} : { clientMetadataUrl: documentUrl }),
    clientMetadata: {
      client_name: 'Official client',
      redirect_uris: [redirectUrl],
      token_endpoint_auth_method: 'none',
    },
    state: () => 'a-state-of-the-client',
    clientInformation: () => kept.client,
    saveClientInformation: (client) => void (kept.client = client),
    tokens: () => kept.tokens,
    saveTokens: (tokens) => void (kept.tokens = tokens),
    redirectToAuthorization: (url) => void (kept.sentTo = url),
    saveCodeVerifier: (verifier) => void (kept.verifier = verifier),
    codeVerifier: () => kept.verifier,
    saveDiscoveryState: (state) => void (kept.discovery = state),
    discoveryState: () => kept.discovery,
  }
}
