import type { IncomingMessage, ServerResponse } from 'node:http'
import { CatwalkError, takesSignIn, type Clock } from '../domain/index.ts'
import {
  allowPage,
  allowsOrigin,
  answerPreflight,
  HTTP_SSE_SUFFIX,
  originProblem,
  type OriginPolicy,
} from '../protocol/index.ts'
import type { Limiter } from './limits.ts'
import { refuse } from './refuse.ts'
import { authenticate, scopeChallenge, type Authenticator } from './authenticate.ts'
import { anybody, type Principal } from './principal.ts'
import type { GatewayRoute, RouteTable } from './route-table.ts'

/** By which route a request is let in, and for whom. */
export interface Admission {
  readonly route: GatewayRoute
  readonly principal: Principal
}

export interface DoorKeeper extends Authenticator {
  readonly routes: RouteTable
  readonly policy: OriginPolicy
  readonly limiter: Limiter
  readonly maxMessageBytes: number
  readonly clock: Clock
  /** Origin without a trailing slash. */
  readonly publicUrl: string
  isDraining(): boolean
}

const PREFIX = '/mcp/'
export const RETRY_AFTER = { 'retry-after': '5' } as const
export const CLOSE = { connection: 'close' } as const

/** Lets a request in, or answers it and returns null. */
export function admit(
  keeper: DoorKeeper,
  req: IncomingMessage,
  res: ServerResponse,
  requestId: string,
): Admission | null {
  const { routes, policy, limiter, maxMessageBytes } = keeper
  const slug = slugOf(req.url ?? '')
  const { host, origin, authorization } = req.headers
  if (originProblem(policy, host, undefined) !== null) {
    refuse(res, 403, new CatwalkError('forbidden', 'Host is not one of ours.', HOST_HELP), requestId, CLOSE)
    return null
  }
  if (origin !== undefined) {
    if (!allowsOrigin(policy, origin) && routes.find(slug)?.allowedOrigins?.includes(origin) !== true) {
      const error = new CatwalkError('forbidden', 'Pages of this origin may not call.', ORIGIN_HELP)
      refuse(res, 403, error, requestId)
      return null
    }
    allowPage(res, origin)
    if (req.method === 'OPTIONS') {
      answerPreflight(req, res)
      return null
    }
  }
  const peer = req.socket.remoteAddress
  const forwardedFor = headerText(req.headers['x-forwarded-for'])
  const addressWaitMs = limiter.address(peer, forwardedFor)
  if (addressWaitMs > 0) {
    tooMany(req, res, requestId, 'Too many requests from this address.', addressWaitMs)
    return null
  }
  if (keeper.isDraining() || routes.isStale()) {
    const why = keeper.isDraining() ? 'Catwalk is stopping.' : 'Catwalk lost its database.'
    refuse(res, 503, new CatwalkError('unavailable', why), requestId, { ...RETRY_AFTER, ...CLOSE })
    return null
  }
  const route = routes.find(slug)
  const principal =
    route === undefined
      ? undefined
      : (authenticate(bearerOf(authorization), route, keeper) ??
        (route.access === 'public' ? anybody(limiter.keyOf(peer, forwardedFor)) : undefined))
  if (route === undefined || principal === undefined) {
    const waitMs = limiter.refused(peer, forwardedFor)
    if (waitMs > 0) tooMany(req, res, requestId, 'Too many requests without a valid token.', waitMs)
    else refuseStranger(keeper, res, requestId, route, authorization !== undefined)
    return null
  }
  if (Number(req.headers['content-length'] ?? 0) > maxMessageBytes) {
    const error = new CatwalkError('payload_too_large', `A message has at most ${maxMessageBytes} bytes.`)
    refuse(res, 413, error, requestId, CLOSE)
    return null
  }
  return { route, principal }
}

/** Answers 429. A long body is not read, so its connection ends. */
export function tooMany(
  req: IncomingMessage,
  res: ServerResponse,
  requestId: string,
  message: string,
  waitMs: number,
): void {
  const seconds = Math.max(1, Math.ceil(waitMs / 1000))
  const unread = Number(req.headers['content-length'] ?? Infinity) > UNREAD_BYTES && req.method === 'POST'
  const error = new CatwalkError('rate_limited', `${message} Try again in ${seconds} s.`)
  refuse(res, 429, error, requestId, { 'retry-after': String(seconds), ...(unread ? CLOSE : {}) })
}

const UNREAD_BYTES = 65_536

/** `route` is undefined for an endpoint that does not exist. */
function refuseStranger(
  keeper: DoorKeeper,
  res: ServerResponse,
  requestId: string,
  route: GatewayRoute | undefined,
  hasShown: boolean,
): void {
  const mode = route?.access ?? 'token'
  const signIn = route !== undefined && takesSignIn(mode)
  // The same answer for an endpoint that does not exist: nobody finds out which do, but for those that invite everybody.
  const error = signIn
    ? new CatwalkError(
        'unauthenticated',
        'The endpoint wants you to sign in.',
        mode === 'oauth' ? SIGN_IN_HELP : BOTH_HELP,
      )
    : new CatwalkError('unauthenticated', 'The endpoint needs a valid token.', TOKEN_HELP)
  const about = hasShown ? ['error="invalid_token"'] : []
  const challenge = signIn
    ? scopeChallenge(keeper.publicUrl, route.slug, about)
    : ['Bearer', ...about].join(' ')
  refuse(res, 401, error, requestId, { 'www-authenticate': challenge })
}

const HOST_HELP = {
  help: 'Use the address that the dashboard shows, or set CATWALK_PUBLIC_URL to the one you use.',
}
const ORIGIN_HELP = {
  help: 'Call from a server or a desktop program, or allow the origin for this endpoint.',
}
const TOKEN_HELP = {
  help: 'Send an endpoint token of the deployment: Authorization: Bearer TOKEN. Make a new one if it was lost or revoked.',
}

const SIGN_IN_HELP = {
  help: 'Connect to it in your client, which opens a page to sign in. An endpoint token does not work here.',
}
const BOTH_HELP = {
  help: 'Connect to it in your client, which opens a page to sign in, or send an endpoint token: Authorization: Bearer TOKEN.',
}

/** The slug in `/mcp/{slug}`; anything behind it belongs to no endpoint. */
function slugOf(url: string): string {
  const path = pathOf(url).slice(PREFIX.length)
  return path.endsWith(HTTP_SSE_SUFFIX) ? path.slice(0, -HTTP_SSE_SUFFIX.length) : path
}

/** Whether a request is for the deprecated transport, at `/mcp/{slug}/sse`. */
export function isHttpSse({ url = '' }: IncomingMessage): boolean {
  return pathOf(url).slice(PREFIX.length).endsWith(HTTP_SSE_SUFFIX)
}

function pathOf(url: string): string {
  const query = url.indexOf('?')
  return query === -1 ? url : url.slice(0, query)
}

function bearerOf(header: string | undefined): string | undefined {
  if (header === undefined || header.slice(0, 7).toLowerCase() !== 'bearer ') return undefined
  const secret = header.slice(7).trim()
  return secret === '' ? undefined : secret
}

/** Node joins repeated ones by commas. */
export function headerText(value: string | string[] | undefined): string | undefined {
  return typeof value === 'object' ? value.join(',') : value
}
