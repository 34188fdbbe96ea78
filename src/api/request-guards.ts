import { CatwalkError } from '../domain/index.ts'

/**
 * Refuses requests under a name that is not ours: a page whose name was rebound to this machine would otherwise pass
 * for our own.
 * @throws CatwalkError `forbidden`
 */
export function requireOwnHost(headers: Headers, hosts: ReadonlySet<string>): void {
  const host = headers.get('host')?.toLowerCase() ?? ''
  if (hosts.has(host)) return
  throw new CatwalkError('forbidden', 'Catwalk does not answer under this name.', {
    help: 'Use the public URL. If this name is right, set CATWALK_PUBLIC_URL to it, and have a reverse proxy pass on the Host header.',
  })
}

/**
 * Refuses requests that another site makes a browser send. A cookie proves nothing about where a request comes from,
 * so one that changes something must show our own origin; a caller without a cookie that shows no origin is no browser.
 * @throws CatwalkError `forbidden`
 */
export function requireOwnOrigin(
  request: Pick<Request, 'method' | 'headers'>,
  origins: ReadonlySet<string>,
  cookie: boolean,
): void {
  if (request.method === 'GET' || request.method === 'HEAD') return
  const origin = request.headers.get('origin')
  const site = request.headers.get('sec-fetch-site')
  if (origin !== null && origins.has(origin)) return
  if (site === 'same-origin') return
  if (origin === null && site === null && !cookie) return
  throw new CatwalkError('forbidden', 'The request does not come from a page of this Catwalk.', {
    help: 'Open the dashboard at its public URL, or send an API key instead of a cookie.',
  })
}
