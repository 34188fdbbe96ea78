import { createHash, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Who approves at the provider at the moment. */
export interface Visitor {
  readonly id: number
  readonly login: string
  readonly name: string | null
  readonly emails: readonly {
    readonly email: string
    readonly primary: boolean
    readonly verified: boolean
  }[]
}

export interface IdentityProvider extends AsyncDisposable {
  readonly origin: string
  readonly clientId: string
  readonly clientSecret: string
  /** Null when whoever is asked says no. */
  visitor: Visitor | null
  /** Paths that were asked, in order. */
  readonly asked: readonly string[]
}

interface Grant {
  readonly visitor: Visitor
  readonly redirectUri: string
  readonly challenge: string | null
}

/**
 * GitHub's and Google's sign-in on a real socket, after their documentation: the authorization endpoint (which approves
 * at once), the token endpoint with PKCE, GitHub's `/user` and `/user/emails` (below `/api/v3`, as an Enterprise server
 * has them) and Google's userinfo.
 */
export async function startIdentityProvider(): Promise<IdentityProvider> {
  const [clientId, clientSecret] = ['client-of-the-fake', 'secret-of-the-fake']
  const grants = new Map<string, Grant>()
  const tokens = new Map<string, Visitor>()
  const asked: string[] = []
  const provider = { visitor: null as Visitor | null }

  function authorize(query: URLSearchParams, res: ServerResponse): void {
    const redirectUri = query.get('redirect_uri') ?? ''
    if (query.get('client_id') !== clientId || query.get('response_type') !== 'code') {
      res.writeHead(400).end()
      return
    }
    const target = new URL(redirectUri)
    target.searchParams.set('state', query.get('state') ?? '')
    if (provider.visitor === null) target.searchParams.set('error', 'access_denied')
    else {
      const code = randomUUID()
      grants.set(code, { visitor: provider.visitor, redirectUri, challenge: query.get('code_challenge') })
      target.searchParams.set('code', code)
    }
    res.writeHead(302, { location: target.href }).end()
  }

  /** GitHub answers errors with 200 and an `error`, Google with 400. */
  function exchange(form: URLSearchParams, failure: number, res: ServerResponse): void {
    const grant = grants.get(form.get('code') ?? '')
    grants.delete(form.get('code') ?? '')
    const verifier = form.get('code_verifier') ?? ''
    const challenge = createHash('sha256').update(verifier).digest('base64url')
    const isRight =
      grant !== undefined &&
      form.get('client_id') === clientId &&
      form.get('client_secret') === clientSecret &&
      form.get('redirect_uri') === grant.redirectUri &&
      (grant.challenge === null || grant.challenge === challenge)
    if (!isRight) {
      json(res, failure, { error: 'bad_verification_code' })
      return
    }
    const token = randomUUID()
    tokens.set(token, grant.visitor)
    json(res, 200, { access_token: token, token_type: 'bearer', scope: 'read:user,user:email' })
  }

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const url = new URL(req.url ?? '/', 'http://fake')
    asked.push(url.pathname)
    const visitor = tokens.get(/^Bearer (.+)$/.exec(req.headers.authorization ?? '')?.[1] ?? '')
    switch (`${req.method} ${url.pathname}`) {
      case 'GET /login/oauth/authorize':
      case 'GET /o/oauth2/v2/auth':
        authorize(url.searchParams, res)
        return
      case 'POST /login/oauth/access_token':
        exchange(new URLSearchParams(await read(req)), 200, res)
        return
      case 'POST /token':
        exchange(new URLSearchParams(await read(req)), 400, res)
        return
    }
    if (visitor === undefined) {
      json(res, 401, { message: 'Requires authentication' })
      return
    }
    switch (`${req.method} ${url.pathname}`) {
      case 'GET /api/v3/user':
        json(res, 200, { id: visitor.id, login: visitor.login, name: visitor.name, email: null })
        return
      case 'GET /api/v3/user/emails':
        json(
          res,
          200,
          visitor.emails.map((email) => ({ ...email, visibility: null })),
        )
        return
      case 'GET /v1/userinfo': {
        const [email] = visitor.emails
        const name = visitor.name ?? visitor.login
        json(res, 200, { sub: `g-${visitor.id}`, name, email: email?.email, email_verified: email?.verified })
        return
      }
      default:
        json(res, 404, { message: 'Not Found' })
    }
  }

  const server = createServer((req, res) => {
    answer(req, res).catch(() => res.writeHead(500).end())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  // A TCP server's address is never a path.
  const { port } = server.address() as AddressInfo
  return Object.assign(provider, {
    origin: `http://127.0.0.1:${port}`,
    clientId,
    clientSecret,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  })
}

function json(res: ServerResponse, status: number, body: unknown): void {
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

async function read(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}
