import { createHash, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, ServerResponse, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A request to the token endpoint. */
export interface TokenRequest {
  readonly grant: string
  readonly form: URLSearchParams
  readonly authorization: string | undefined
}

export interface FakeAccountProvider extends AsyncDisposable {
  readonly origin: string
  readonly clientId: string
  readonly clientSecret: string
  readonly requests: readonly TokenRequest[]
  /** Life of the tokens that are given from now on; null: it does not say. */
  expiresInSeconds: number | null
  /** Whether a refresh token is given along. */
  givesRefreshToken: boolean
  /** Whether each use of a refresh token makes a new one, and ends it. */
  rotates: boolean
  /** Whether a refresh token that was replaced is taken until the one in its place was used (a grace period). */
  isGracious: boolean
  /** What it does instead of answering as it should. `losing-answers`: it does as it was asked, and nobody hears of it. */
  mood: 'well' | 'down' | 'silent' | 'redirecting' | 'talking-rubbish' | 'losing-answers'
  /** Tokens that it was asked to end, in order (RFC 7009). */
  readonly revoked: readonly string[]
  /** Answers errors with status 200, as GitHub does. */
  errorStatus: number
  /** Takes back all that was allowed so far. */
  revokeAll(): void
  /** What a browser gets that was sent to the authorization endpoint: the address it is sent back to. */
  visit(url: string, says?: 'yes' | 'no'): Promise<URL>
  /** Lets go those who wait while it is silent. */
  speak(): void
}

/**
 * A service where people have accounts, on a real socket: authorization endpoint (RFC 6749, 4.1.1; RFC 9207) and token
 * endpoint with PKCE (RFC 7636), client secrets in the form and in the header, refresh tokens with or without rotation,
 * and a revocation endpoint (RFC 7009). A browser is asked whether it allows the client.
 */
export async function startAccountProvider(): Promise<FakeAccountProvider> {
  const clientId = 'client-of-catwalk'
  const clientSecret = `secret of catwalk/${randomUUID()}`
  const codes = new Map<string, { redirectUri: string; challenge: string }>()
  const refreshTokens = new Set<string>()
  /** Refresh tokens that were replaced, with the ones in their places. */
  const replaced = new Map<string, string>()
  const requests: TokenRequest[] = []
  const revoked: string[] = []
  let waiting: (() => void)[] = []
  let tokens = 0
  const state = {
    expiresInSeconds: null as number | null,
    givesRefreshToken: true,
    rotates: true,
    isGracious: false,
    mood: 'well' as FakeAccountProvider['mood'],
    errorStatus: 400,
  }

  function refuse(res: ServerResponse, error: string): void {
    json(res, error === 'invalid_client' ? 401 : state.errorStatus, { error })
  }

  function give(res: ServerResponse, former: string | null): void {
    const refresh = former === null || state.rotates ? `refresh-${randomUUID()}` : undefined
    if (refresh !== undefined) refreshTokens.add(refresh)
    if (former !== null && refresh !== undefined) {
      refreshTokens.delete(former)
      replaced.set(former, refresh)
      // Whoever has the new one needs the one before no more.
      for (const [old, next] of replaced) if (next === former) replaced.delete(old)
    }
    json(res, 200, {
      access_token: `access-${++tokens}`,
      token_type: 'Bearer',
      ...(state.expiresInSeconds === null ? {} : { expires_in: state.expiresInSeconds }),
      ...(state.givesRefreshToken && refresh !== undefined ? { refresh_token: refresh } : {}),
    })
  }

  function isOurClient(form: URLSearchParams, authorization: string | undefined): boolean {
    if (authorization === undefined)
      return form.get('client_id') === clientId && form.get('client_secret') === clientSecret
    const pair = Buffer.from(authorization.replace('Basic ', ''), 'base64').toString()
    return pair === `${clientId}:${new URLSearchParams({ '': clientSecret }).toString().slice(1)}`
  }

  function token(form: URLSearchParams, authorization: string | undefined, res: ServerResponse): void {
    if (!isOurClient(form, authorization)) return refuse(res, 'invalid_client')
    if (form.get('grant_type') === 'refresh_token') {
      const given = form.get('refresh_token') ?? ''
      const isReplaced = state.isGracious && replaced.has(given)
      return refreshTokens.has(given) || isReplaced ? give(res, given) : refuse(res, 'invalid_grant')
    }
    const code = codes.get(form.get('code') ?? '')
    codes.delete(form.get('code') ?? '')
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url')
    if (code?.challenge !== challenge || code.redirectUri !== form.get('redirect_uri'))
      return refuse(res, 'invalid_grant')
    give(res, null)
  }

  function authorize(query: URLSearchParams, res: ServerResponse): void {
    const target = new URL(query.get('redirect_uri') ?? '')
    target.searchParams.set('state', query.get('state') ?? '')
    target.searchParams.set('iss', origin)
    if (query.get('client_id') !== clientId || query.get('code_challenge_method') !== 'S256') {
      return void res.writeHead(400).end()
    }
    if (!query.has('says')) return askPerson(query, res)
    if (query.get('says') === 'no') target.searchParams.set('error', 'access_denied')
    else {
      const code = randomUUID()
      codes.set(code, {
        redirectUri: query.get('redirect_uri') ?? '',
        challenge: query.get('code_challenge') ?? '',
      })
      target.searchParams.set('code', code)
    }
    res.writeHead(302, { location: target.href }).end()
  }

  function revoke(form: URLSearchParams, authorization: string | undefined, res: ServerResponse): void {
    if (!isOurClient(form, authorization)) return refuse(res, 'invalid_client')
    const ended = form.get('token') ?? ''
    revoked.push(ended)
    refreshTokens.delete(ended)
    // It has no body, and is the same for a token that was not known (section 2.2).
    res.writeHead(200).end()
  }

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const url = new URL(req.url ?? '/', 'http://fake')
    if (url.pathname === '/authorize') return authorize(url.searchParams, res)
    const form = new URLSearchParams(await read(req))
    const { authorization } = req.headers
    if (url.pathname === '/revoke' && state.mood === 'well')
      return revoke(form, req.headers.authorization, res)
    // A browser asks for an icon as well.
    if (req.method !== 'POST') return void res.writeHead(404).end()
    requests.push({ grant: form.get('grant_type') ?? '', form, authorization })
    switch (state.mood) {
      case 'down':
        return void res.writeHead(503).end()
      case 'redirecting':
        return void res.writeHead(307, { location: '/elsewhere' }).end()
      case 'talking-rubbish':
        return void res.writeHead(200, { 'content-type': 'text/html' }).end('<html>')
      case 'silent':
        await new Promise<void>((resolve) => waiting.push(resolve))
        break
      case 'losing-answers':
        // On no connection.
        return token(form, authorization, new ServerResponse(req))
      case 'well':
    }
    token(form, authorization, res)
  }

  const server = createServer((req, res) => {
    answer(req, res).catch(() => res.writeHead(500).end())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  // A TCP server's address is never a path.
  const { port } = server.address() as AddressInfo
  const origin = `http://127.0.0.1:${port}`
  return Object.assign(state, {
    origin,
    clientId,
    clientSecret,
    requests,
    revoked,
    revokeAll() {
      refreshTokens.clear()
      replaced.clear()
    },
    speak() {
      for (const go of waiting) go()
      waiting = []
    },
    async visit(url: string, says: 'yes' | 'no' = 'yes') {
      const response = await fetch(`${url}&says=${says}`, { redirect: 'manual' })
      return new URL(response.headers.get('location') ?? 'about:blank')
    },
    async [Symbol.asyncDispose]() {
      for (const go of waiting) go()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  })
}

/** The page of the provider, where a person has signed in before. */
function askPerson(query: URLSearchParams, res: ServerResponse): void {
  const hidden = [...query].map(
    ([name, value]) => `<input type="hidden" name="${name}" value="${value.replaceAll('"', '&quot;')}">`,
  )
  res.writeHead(200, { 'content-type': 'text/html' }).end(
    `<!doctype html><html lang="en"><title>The service</title><h1>Allow Catwalk?</h1><form action="/authorize">
    ${hidden.join('')}<button name="says" value="yes">Allow</button><button name="says" value="no">Deny</button></form>`,
  )
}

function json(res: ServerResponse, status: number, body: unknown): void {
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

async function read(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}
