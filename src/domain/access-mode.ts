/**
 * How callers of an endpoint show who they are. `token`: an endpoint token. `oauth`: they sign in. `both`: either.
 * `public`: they do not, and everybody is let in.
 */
export type AccessMode = 'token' | 'oauth' | 'both' | 'public'

/** Whether endpoint tokens are looked at. On a public endpoint they are not needed, but they name who calls. */
export function takesTokens(mode: AccessMode): boolean {
  return mode !== 'oauth'
}

/** Whether callers may sign in, so that discovery is served. */
export function takesSignIn(mode: AccessMode): boolean {
  return mode === 'oauth' || mode === 'both'
}
