/** What an API key can be held to, besides its role. `write` includes `read` of the same. */
export const API_SCOPES = [
  'deployments:read',
  'deployments:write',
  'tools:call',
  'logs:read',
  'calls:read',
  'tokens:read',
  'tokens:write',
  'credentials:read',
  'credentials:write',
  'settings:read',
  'settings:write',
  'members:read',
  'members:write',
  'api-keys:read',
  'api-keys:write',
  'audit:read',
  'installation:read',
  'installation:write',
] as const

export type ApiScope = (typeof API_SCOPES)[number]

/**
 * What a route asks of a key that is held to scopes: one of them, nothing (`any`), or that it is held to none (`full`),
 * as for what only a person does.
 */
export type RouteScope = ApiScope | 'any' | 'full'
