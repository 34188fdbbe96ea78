export { ownHosts, ownOrigins, type OwnAddresses } from './addresses.ts'
export { createAuth, type Auth, type AuthOptions, type Profile, type SignedIn } from './create-auth.ts'
export { ensureLocalKey, type LocalKeyOptions } from './local-key.ts'
export type { ProviderSettings } from './providers.ts'
export { createRateLimiter, type RateLimiter, type RateRule } from './rate-limit.ts'
export {
  createSetUpLinks,
  type OwnerInput,
  type SetUpLink,
  type SetUpLinkOptions,
  type SetUpLinks,
} from './set-up-links.ts'
export * as people from './people.ts'
export { ensureWorkspace } from './workspace.ts'
