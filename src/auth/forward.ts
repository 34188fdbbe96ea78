import type { Handle } from '../db/index.ts'
import { CatwalkError } from '../domain/index.ts'
import { ADDRESS_HEADER, type Library } from './library.ts'
import { requireNoWait } from './prove.ts'
import { recordRefusedSignIn } from './record-sign-in.ts'
import type { SignInGuard } from './sign-in-guard.ts'

/** What the library may answer. Each further path is opened together with the screen that uses it. */
const OPEN: ReadonlyMap<string, string> = new Map([
  ['/api/auth/sign-in/email', 'POST'],
  ['/api/auth/sign-out', 'POST'],
  ['/api/auth/callback/github', 'GET'],
  ['/api/auth/callback/google', 'GET'],
])

/** Lets the library answer a request, and turns its errors into ours. */
export async function forwardToLibrary(
  library: Library,
  database: Handle,
  guard: SignInGuard,
  request: Request,
  address: string | null,
): Promise<Response> {
  const method = OPEN.get(new URL(request.url).pathname)
  if (method === undefined) throw new CatwalkError('not_found', 'There is nothing at this address.')
  if (method !== request.method) {
    throw new CatwalkError('method_not_allowed', `This address answers ${method} only.`, {
      details: { allow: method },
    })
  }
  const headers = new Headers(request.headers)
  headers.delete(ADDRESS_HEADER)
  if (address !== null) headers.set(ADDRESS_HEADER, address)
  if (method === 'GET') return comeBack(await library.handler(new Request(request.url, { headers })))
  const body = await request.text()
  const email = request.url.endsWith('/sign-in/email') ? emailIn(body) : null
  if (email !== null) {
    requireNoWait(await guard.attempt(email, address, (db) => wasUsedFrom(db, email, address)))
  }
  const response = await library.handler(new Request(request.url, { method, headers, body }))
  if (response.ok) {
    if (email !== null) await guard.succeeded(email, address)
    return response
  }
  if (email !== null) {
    if (response.status === 401) await recordRefusedSignIn(database, email, address)
    else await guard.withdraw(email, address)
  }
  throw await toCatalogue(response)
}

/**
 * The answer to a browser that comes back from a provider: always another page of ours, with the cookies of the session,
 * or of the sign-in that still waits for a code.
 */
async function comeBack(response: Response): Promise<Response> {
  const answer: unknown = await response.json().catch(() => null)
  // Told in the body of what is still the redirect to where the person wanted to go.
  const needsCode = typeof answer === 'object' && answer !== null && 'twoFactorRedirect' in answer
  const isRedirect = response.status >= 300 && response.status < 400
  if (isRedirect && !needsCode) return new Response(null, response)
  const headers = new Headers({
    location: needsCode ? '/sign-in?step=code' : `/sign-in?error=${encodeURIComponent(codeIn(answer))}`,
  })
  for (const cookie of response.headers.getSetCookie()) headers.append('set-cookie', cookie)
  return new Response(null, { status: 302, headers })
}

function codeIn(answer: unknown): string {
  const isNamed = typeof answer === 'object' && answer !== null && 'code' in answer
  return isNamed && typeof answer.code === 'string' ? answer.code : 'provider_refused'
}

/** Whether somebody was signed in to this account from this address lately. */
async function wasUsedFrom(db: Handle, email: string, address: string | null): Promise<boolean> {
  const session = await db
    .selectFrom('sessions')
    .innerJoin('users', 'users.id', 'sessions.user_id')
    .select('sessions.id')
    .where('users.email', '=', email.toLowerCase())
    .where('sessions.ip_address', '=', address)
    .executeTakeFirst()
  return session !== undefined
}

async function toCatalogue(response: Response): Promise<CatwalkError> {
  const answer: unknown = await response.json().catch(() => null)
  switch (response.status) {
    case 401:
      return new CatwalkError('invalid_credentials', 'The email or the password is wrong.')
    case 403:
      return new CatwalkError('forbidden', 'The request does not come from a page of this Catwalk.', {
        help: 'Open the dashboard at its public URL and try again there.',
      })
    case 429: {
      const retryAfterS = Number(response.headers.get('x-retry-after') ?? 60)
      return new CatwalkError('rate_limited', `Too many attempts. Try again in ${retryAfterS} s.`, {
        details: { retryAfterS },
      })
    }
    default:
      if (response.status < 500) return new CatwalkError('invalid_request', messageOf(answer))
      return new CatwalkError('internal', 'Signing in failed inside Catwalk.', { cause: answer })
  }
}

function emailIn(body: string): string | null {
  try {
    const value: unknown = JSON.parse(body)
    const email = typeof value === 'object' && value !== null && 'email' in value ? value.email : null
    return typeof email === 'string' && email.length <= 254 ? email : null
  } catch {
    return null
  }
}

function messageOf(answer: unknown): string {
  if (
    typeof answer === 'object' &&
    answer !== null &&
    'message' in answer &&
    typeof answer.message === 'string'
  ) {
    return answer.message
  }
  return 'The request is not valid.'
}
