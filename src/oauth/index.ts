export { authorize, decide, lookAtRequest, type AuthorizeAnswer, type Question } from './authorize.ts'
export { registerClient } from './clients.ts'
export type {
  AskOwn,
  DocumentAnswer,
  Endpoints,
  FetchDocument,
  KnownEndpoint,
  OAuthOptions,
} from './context.ts'
export { findIssuer, resourceMetadata, serverMetadata, type Issuer } from './metadata.ts'
export { OAuthError } from './oauth-error.ts'
export { replayDiscovery } from './replay.ts'
export { issueTokens, revokeToken } from './tokens.ts'
