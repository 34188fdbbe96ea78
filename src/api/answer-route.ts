import type { Context } from 'hono'
import { routes, type Route, type RouteName, type RouteScope } from '../contract/index.ts'
import type { Auth, SignedIn } from '../auth/index.ts'
import {
  anySignal,
  atLeast,
  CatwalkError,
  includesScope,
  isId,
  type Actor,
  type Logger,
} from '../domain/index.ts'
import { remoteAddress, type Environment } from './environment.ts'
import { eventStream, type WireItem } from './event-stream.ts'
import type { Handlers, PublicContext, RequestContext } from './handlers.ts'
import { parseInput } from './parse-input.ts'
import type { RequestLimits } from './request-limits.ts'
import { readJson } from './read-body.ts'
import { requireOwnOrigin } from './request-guards.ts'

export interface RouteServices {
  readonly auth: Pick<Auth, 'authenticate'>
  readonly handlers: Handlers
  readonly limits: RequestLimits
  readonly origins: ReadonlySet<string>
  readonly logger: Logger
  /** Aborted when the program stops: open streams end. */
  readonly signal: AbortSignal
  readonly keepAliveMs: number
  /** Calls `listener` whenever somebody may have lost access, until the returned function is called. */
  readonly onAccessChange?: (listener: () => void) => () => void
  /** Told when somebody who is signed in asks for what is beyond their role. Must not throw. */
  readonly onForbidden?: (actor: Actor, route: RouteName) => void
}

const MAX_BODY_BYTES = 4 * 1024 * 1024
/** For callers that nobody knows yet. */
const MAX_PUBLIC_BODY_BYTES = 16 * 1024

type AnyHandler = (context: PublicContext | RequestContext, input: unknown) => Promise<unknown>

/** Answers one request to a route of the contract: who, whether allowed, what, then the handler. */
export async function answerRoute(
  name: RouteName,
  c: Context<Environment>,
  services: RouteServices,
): Promise<Response> {
  const route: Route = routes[name]
  const signedIn = await identify(name, route, c, services)
  requireOwnOrigin(c.req.raw, services.origins, signedIn?.by === 'cookie')
  const input = parseInput(route, {
    params: c.req.param(),
    query: c.req.query(),
    body: route.body
      ? await readJson(c.req.raw, signedIn === null ? MAX_PUBLIC_BODY_BYTES : MAX_BODY_BYTES)
      : undefined,
  })

  const ended = new AbortController()
  const headers = new Headers()
  for (const cookie of signedIn?.cookies ?? []) headers.append('set-cookie', cookie)
  const context: PublicContext & Partial<RequestContext> = {
    requestId: c.var.requestId,
    signal: anySignal([c.req.raw.signal, services.signal, ended.signal]),
    remoteAddress: remoteAddress(c),
    headers: c.req.raw.headers,
    lastEventId: lastEventId(c.req.raw.headers),
    setCookie: (value) => headers.append('set-cookie', value),
    ...(signedIn === null ? {} : { actor: signedIn.actor, sessionId: signedIn.sessionId }),
  }
  // Each handler fits its route by the type of Handlers; which one it is here is known only by name.
  const handler = services.handlers[name] as AnyHandler
  const result = await handler(context, input).catch(rethrow)

  if (route.stream)
    return streamed(result, headers, context, ended, () => isStillAllowed(services.auth, c, route), services)
  if (route.status === 204) return new Response(null, { status: 204, headers })
  // Parsing drops what the contract does not name, so that no internal field ever leaves.
  return Response.json(route.response.parse(result), { status: route.status, headers })
}

/** The framework hands on only errors; what else is thrown becomes one, so that it is answered like any other. */
function rethrow(error: unknown): never {
  throw error instanceof Error ? error : new Error('A handler threw what is no error.', { cause: error })
}

async function identify(
  name: RouteName,
  route: Route,
  c: Context<Environment>,
  { auth, limits, onForbidden }: RouteServices,
): Promise<SignedIn | null> {
  const address = remoteAddress(c)
  if (route.access === 'public') {
    limits.count(address)
    if (route.method !== 'get' && route.isRepeated !== true) limits.countAttempt(address)
    return null
  }
  const signedIn = await auth.authenticate(c.req.raw.headers, address, workspaceOf(c))
  if (signedIn === null) {
    limits.count(address)
    throw notSignedIn(c.req.raw.headers)
  }
  limits.countActor(signedIn.actor)
  try {
    requireAccess(signedIn.actor, route)
  } catch (error) {
    onForbidden?.(signedIn.actor, name)
    throw error
  }
  return signedIn
}

/** What was shown decides what is missing. It says nothing about whose it might be. */
function notSignedIn(headers: Headers): CatwalkError {
  const authorization = headers.get('authorization')
  if (authorization !== null && /^bearer +cwt_/i.test(authorization)) {
    return new CatwalkError(
      'unauthenticated',
      'This is an endpoint token, which opens one endpoint and not the API.',
      {
        help: 'Send an API key, which begins with cwk_. Make one in the dashboard under API keys, or with: bin/catwalk key add',
      },
    )
  }
  if (authorization !== null) {
    return new CatwalkError('unauthenticated', 'The API key is wrong, has expired or was revoked.', {
      help: 'Send Authorization: Bearer KEY with a key that is valid. Make one in the dashboard under API keys, or with: bin/catwalk key add',
    })
  }
  if (headers.has('cookie')) {
    return new CatwalkError('unauthenticated', 'You are not signed in, or your session has ended.')
  }
  return new CatwalkError('unauthenticated', 'You are not signed in.')
}

/** @throws CatwalkError `forbidden` */
function requireAccess(actor: Actor, { access, scope }: Exclude<Route, { access: 'public' }>): void {
  requireScope(actor, scope)
  if (access === 'installation') {
    if (actor.isInstallationAdmin === true && atLeast(actor.role, 'admin')) return
    throw new CatwalkError('forbidden', 'This is for admins of the installation.', {
      help: 'Ask whoever set Catwalk up, or use the command line on its machine.',
    })
  }
  if (!atLeast(actor.role, access)) {
    throw new CatwalkError('forbidden', `This needs the role ${access}; yours is ${actor.role}.`)
  }
}

/** @throws CatwalkError `forbidden` for an API key that is held to other scopes */
export function requireScope({ scopes = null }: Actor, scope: RouteScope): void {
  if (includesScope(scopes, scope)) return
  if (scope === 'full') {
    throw new CatwalkError('forbidden', 'This is beyond every API key that is held to scopes.', {
      help: 'Do it in the dashboard, or use an API key without scopes.',
    })
  }
  throw new CatwalkError('forbidden', `This needs the scope ${scope}, which this API key does not have.`, {
    help: `Use a key with it. Make one in the dashboard under API keys, or with: bin/catwalk key add --scope ${scope}`,
  })
}

/** The workspace that a request is about; in the address where a browser cannot send a header (`EventSource`). */
function workspaceOf(c: Context<Environment>): string | undefined {
  const id = c.req.header('x-catwalk-workspace') ?? c.req.query('workspace')
  if (id === undefined || id === '' || isId('workspace', id)) return id === '' ? undefined : id
  throw new CatwalkError('workspace_not_found', 'X-Catwalk-Workspace is not the id of a workspace.')
}

function lastEventId(headers: Headers): string | null {
  const id = headers.get('last-event-id')
  return id !== null && /^[\x21-\x7e]{1,200}$/.test(id) ? id : null
}

function streamed(
  result: unknown,
  headers: Headers,
  context: PublicContext,
  ended: AbortController,
  stillAllowed: () => Promise<boolean>,
  { logger, keepAliveMs, onAccessChange }: RouteServices,
): Response {
  headers.set('content-type', 'text/event-stream; charset=utf-8')
  headers.set('x-accel-buffering', 'no')
  // The handler of a stream returns items, by the type of Handlers.
  const body = eventStream(result as AsyncIterable<WireItem>, {
    signal: context.signal,
    keepAliveMs,
    // Somebody who was signed out, removed or given a lesser role must not go on listening.
    stillAllowed,
    onDoubt: onAccessChange ?? (() => () => undefined),
    onEnd: (error) => {
      if (error !== undefined && !context.signal.aborted) {
        logger.error({ requestId: context.requestId, err: error }, 'a stream ended with an error')
      }
      ended.abort()
    },
  })
  return new Response(body, { headers })
}

async function isStillAllowed(
  auth: RouteServices['auth'],
  c: Context<Environment>,
  route: Route,
): Promise<boolean> {
  try {
    const signedIn = await auth.authenticate(c.req.raw.headers, remoteAddress(c), workspaceOf(c))
    if (signedIn === null) return false
    if (route.access !== 'public') requireAccess(signedIn.actor, route)
    return true
  } catch (error) {
    if (error instanceof CatwalkError && ['workspace_not_found', 'forbidden'].includes(error.code))
      return false
    throw error
  }
}
