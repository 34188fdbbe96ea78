import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface KeyServices extends AsyncDisposable {
  readonly anthropicUrl: string
  readonly openRouterUrl: string
  readonly flyUrl: string
  /** Takes over all answers until it is set to null again. */
  interfere(handler: ((res: ServerResponse) => void) | null): void
}

export interface KeyServicesOptions {
  readonly anthropicKey: string
  readonly openRouterKey: string
  readonly flyToken: string
  readonly flyApp: string
}

/**
 * What tells a good key from a bad one at three services, in the shapes of their documentation: Anthropic "List Models",
 * OpenRouter "Get current API key", Fly Machines "Get App".
 */
export async function startKeyServices(options: KeyServicesOptions): Promise<KeyServices> {
  let interference: ((res: ServerResponse) => void) | null = null
  const answer = (req: IncomingMessage, res: ServerResponse): unknown => {
    const path = (req.url ?? '').replace(/\?.*/, '')
    const { authorization } = req.headers
    if (path === '/v1/models') {
      return authorization === `Bearer ${options.anthropicKey}` &&
        req.headers['anthropic-version'] === '2026-10-21'
        ? json(res, 200, { data: [{ type: 'model', id: 'claude-haiku-4-5' }], has_more: true })
        : json(res, 401, {
            type: 'error',
            error: { type: 'authentication_error', message: 'invalid API key' },
          })
    }
    if (path === '/api/v1/key') {
      return authorization === `Bearer ${options.openRouterKey}`
        ? json(res, 200, { data: { label: 'sk-or-v1-abc...xyz', usage: 0, limit: null } })
        : json(res, 401, { error: { code: 401, message: 'No auth credentials found' } })
    }
    const app = /^\/v1\/apps\/([^/]+)$/.exec(path)?.[1]
    if (app !== undefined) {
      if (authorization !== `Bearer ${options.flyToken}`) return json(res, 401, { error: 'unauthorized' })
      return app === options.flyApp
        ? json(res, 200, { id: app, name: app, organization: { name: 'Personal', slug: 'personal' } })
        : json(res, 404, { error: 'could not find App' })
    }
    return json(res, 404, { error: 'not found' })
  }
  const server = createServer((req, res) => (interference === null ? answer(req, res) : interference(res)))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  // A server that listens on TCP has such an address.
  const { port } = server.address() as AddressInfo
  const origin = `http://127.0.0.1:${port}`
  return {
    anthropicUrl: origin,
    openRouterUrl: `${origin}/api/v1`,
    flyUrl: origin,
    interfere: (handler) => {
      interference = handler
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function json(res: ServerResponse, status: number, body: object): void {
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
