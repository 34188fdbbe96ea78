import { CatwalkError } from '../domain/index.ts'

/** What the library answered: its body, and the cookies that the browser must get. */
export interface LibraryAnswer {
  readonly body: unknown
  readonly cookies: readonly string[]
}

/** Headers for a call of the library: the cookie and nothing else of the caller. */
export function cookieOf(headers: Headers): Headers {
  const cookie = headers.get('cookie')
  return new Headers(cookie === null ? {} : { cookie })
}

/** Of the caller's cookies only those of this name; so that what is signed in already plays no part. */
export function onlyCookie(headers: Headers, name: string): string | null {
  const pairs = (headers.get('cookie') ?? '').split(';').map((pair) => pair.trim())
  return pairs.find((pair) => pair.startsWith(`${name}=`)) ?? null
}

/**
 * Reads an answer of the library.
 * @param refused what a refusal is told as; the library's own words stay inside
 * @throws what `refused` makes; CatwalkError `rate_limited`, `internal`
 */
export async function readAnswer(response: Response, refused: () => CatwalkError): Promise<LibraryAnswer> {
  if (response.status === 429) {
    throw new CatwalkError('rate_limited', 'Too many wrong attempts. Try again in 15 minutes.', {
      details: { retryAfterS: 900 },
    })
  }
  const body: unknown = await response.json().catch(() => null)
  if (response.status >= 500) {
    throw new CatwalkError('internal', 'Signing in failed inside Catwalk.', { cause: body })
  }
  if (!response.ok) throw refused()
  return { body, cookies: response.headers.getSetCookie() }
}
