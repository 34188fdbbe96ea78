/** Where a registry's API is and what it calls a repository. */
export function registryOrigin(registry: string): string {
  return `https://${registry === 'docker.io' ? 'registry-1.docker.io' : registry}`
}

export interface BearerChallenge {
  readonly realm: URL
  readonly service: string | null
  readonly scope: string | null
}

/** Reads `WWW-Authenticate: Bearer realm="…",service="…",scope="…"`; null for anything else. */
export function readBearerChallenge(header: string | undefined): BearerChallenge | null {
  const [, rest] = /^Bearer\s+(.*)$/is.exec(header ?? '') ?? []
  if (rest === undefined) return null
  const values = new Map(
    [...rest.matchAll(/([a-z]+)="([^"]*)"/gi)].map(([, key = '', value = '']) => [key.toLowerCase(), value]),
  )
  const realm = URL.parse(values.get('realm') ?? '')
  return realm === null
    ? null
    : { realm, service: values.get('service') ?? null, scope: values.get('scope') ?? null }
}
