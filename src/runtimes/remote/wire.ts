import { setTimeout as sleep } from 'node:timers/promises'
import { CatwalkError, quoted } from '../../domain/index.ts'
import { HttpFailure, readBytes, type HttpClient, type HttpResponse } from '../../network/index.ts'

/** One request to the remote server. */
export interface WireRequest {
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly url: URL
  /** Those of the protocol; the owner's are added. */
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Buffer
  /** Whether it does no harm when it is carried out twice: asked again when the connection broke. */
  readonly repeatable: boolean
  /** Until the answer begins. */
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/** The way to one remote server. */
export interface Wire {
  /**
   * Any answer that is for the protocol to understand. What is for nobody but who runs the server or owns the
   * deployment is thrown.
   * @throws CatwalkError `remote_refused`, `remote_unavailable`, `remote_unauthorized`, `remote_busy`, `server_not_mcp`
   */
  ask(request: WireRequest): Promise<HttpResponse>
}

export interface WireOptions {
  readonly http: HttpClient
  /** With the owner's secrets in them; never logged. */
  readonly headers: Readonly<Record<string, string>>
  /** Told when it stops or begins to answer. */
  readonly noted: (text: string) => void
}

const MAX_REDIRECTS = 3
const ATTEMPTS = 4
const FIRST_PAUSE_MS = 250
/** A wait that a call may take; a longer one is said instead. */
const LONGEST_WAIT_MS = 10_000
const MAX_BUSY_MS = 3_600_000
/** The connection was never made, so that nothing was asked. */
const UNMADE = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT'])

export function createWire({ http, headers, noted }: WireOptions): Wire {
  let busyUntil = 0
  let away = false

  /** Waits while the server wants to be left alone. */
  async function untilWelcome({ url, signal }: WireRequest): Promise<void> {
    const waitMs = busyUntil - Date.now()
    if (waitMs <= 0) return
    if (waitMs > LONGEST_WAIT_MS) throw busy(url, waitMs)
    await sleep(waitMs, undefined, { signal })
  }

  async function once(request: WireRequest): Promise<HttpResponse> {
    let { url } = request
    for (let step = 0; ; step++) {
      const response = await http.request(url, {
        method: request.method,
        headers: { ...headers, ...request.headers },
        ...(request.body === undefined ? {} : { body: request.body }),
        timeoutMs: request.timeoutMs,
        answerRedirects: true,
        signal: request.signal,
      })
      const { location } = response.headers
      if (![301, 302, 303, 307, 308].includes(response.status) || location === undefined) return response
      response.body.destroy()
      url = redirected(url, location, response.status, request.method, step)
    }
  }

  function isAway(): void {
    if (!away) noted('The remote server cannot be reached.')
    away = true
  }

  async function ask(request: WireRequest): Promise<HttpResponse> {
    for (let attempt = 1; ; attempt++) {
      await untilWelcome(request)
      let response: HttpResponse
      try {
        response = await once(request)
      } catch (error) {
        request.signal.throwIfAborted()
        if (!(error instanceof HttpFailure)) throw error
        if (error.kind !== 'refused') isAway()
        if (attempt >= ATTEMPTS || !mayAskAgain(error, request)) throw asCatwalkError(error)
        // With jitter, so that those who failed together do not come back together.
        await sleep(FIRST_PAUSE_MS * 2 ** (attempt - 1) * (0.5 + Math.random()), undefined, {
          signal: request.signal,
        })
        continue
      }
      const { status } = response
      if (status === 429 || status === 503) {
        response.body.destroy()
        const waitMs = Math.min(retryAfterMs(response), MAX_BUSY_MS)
        busyUntil = Math.max(busyUntil, Date.now() + waitMs)
        if (waitMs > 0 && waitMs <= LONGEST_WAIT_MS && attempt < ATTEMPTS) continue
        if (status === 429 || waitMs > 0) throw busy(request.url, waitMs)
      }
      if (away && status < 500) {
        away = false
        noted('The remote server answers again.')
      }
      if (status === 401 || status === 403)
        throw await unauthorized(response, Object.keys(headers).length > 0)
      if (status >= 502 && status <= 504) {
        response.body.destroy()
        isAway()
        throw new CatwalkError('remote_unavailable', `${request.url.host} answers ${status}.`)
      }
      const encoding = response.headers['content-encoding'] ?? 'identity'
      if (encoding === 'identity') return response
      response.body.destroy()
      throw new CatwalkError('server_not_mcp', `${request.url.host} sends compressed answers unasked.`)
    }
  }
  return { ask }
}

/** @throws CatwalkError `remote_refused`: what a deployment sends, credentials above all, is for one origin only */
function redirected(from: URL, location: string, status: number, method: string, step: number): URL {
  const to = URL.parse(location, from.href)
  const where = to === null ? 'somewhere' : quoted(to.host + to.pathname)
  const problem =
    to === null || to.origin !== from.origin || to.username !== '' || to.password !== ''
      ? 'another place'
      : method === 'POST' && status < 307
        ? 'a page instead of taking the message'
        : step >= MAX_REDIRECTS
          ? 'one address after another'
          : null
  if (problem === null && to !== null) return to
  throw new CatwalkError('remote_refused', `${from.host} redirects to ${problem}: ${where}.`, {
    help: 'Redirects to other hosts are not followed, because they would take your credentials along. Deploy the address that it leads to, if you trust it.',
  })
}

function mayAskAgain({ kind, cause }: HttpFailure, { repeatable }: WireRequest): boolean {
  if (kind !== 'unreachable') return false
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? String(cause.code) : ''
  return repeatable || UNMADE.has(code)
}

export function asCatwalkError(error: HttpFailure): CatwalkError {
  const { message: text, kind } = error
  if (kind === 'refused') return new CatwalkError('remote_refused', text, { cause: error })
  if (kind === 'too_large') return new CatwalkError('server_not_mcp', text, { cause: error })
  return new CatwalkError('remote_unavailable', text, { cause: error })
}

function busy({ host }: URL, waitMs: number): CatwalkError {
  const seconds = Math.ceil(waitMs / 1000)
  const when = seconds > 0 ? ` It wants to be asked again in ${seconds} s.` : ''
  return new CatwalkError('remote_busy', `${host} allows no more requests for now.${when}`, {
    details: { retryAfterSeconds: seconds },
  })
}

function retryAfterMs({ headers }: HttpResponse): number {
  const value = headers['retry-after']?.trim() ?? ''
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000
  const at = Date.parse(value)
  return Number.isNaN(at) ? 0 : Math.max(0, at - Date.now())
}

/** What a 401 or 403 means, in words (2025-11-25, authorization; RFC 9728, section 5.1). */
async function unauthorized(response: HttpResponse, hasHeaders: boolean): Promise<CatwalkError> {
  const { status, url, headers } = response
  const challenge = headers['www-authenticate']
  const said = excerptOf(await readBytes(response, 16_384).catch(() => Buffer.alloc(0)))
  const isOAuth = challenge !== undefined && /resource_metadata\s*=/i.test(challenge)
  const wants =
    challenge === undefined
      ? ''
      : isOAuth
        ? ' It wants people to sign in by OAuth.'
        : ` It wants a token: ${quoted(challenge.split(/[\s,]/, 1)[0] ?? '')}.`
  const sent = hasHeaders ? ' What it was sent was not accepted.' : ''
  const message = `${url.host} answers ${status}.${wants}${sent}${said === '' ? '' : ` It says: ${quoted(said)}`}`
  return new CatwalkError('remote_unauthorized', message, {
    ...(isOAuth
      ? {
          help: 'Catwalk cannot sign in to it for you. Where the service also gives out tokens or keys, give one as a header: --header "Authorization: Bearer {TOKEN}" --env TOKEN.',
        }
      : {}),
    details: { status, oauth: isOAuth },
  })
}

/** The beginning of what a server says, fit to be shown; what looks like a page is not. */
export function excerptOf(body: Buffer): string {
  const text = body.toString('utf8', 0, 2048).trim()
  return text.startsWith('<') ? '' : text.replaceAll(/\s+/g, ' ').slice(0, 200)
}
