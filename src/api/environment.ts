import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'

/** What Hono carries per request. */
export interface Environment {
  // Absent when the app is called without a socket, as tests do.
  Bindings: Partial<HttpBindings>
  Variables: { requestId: string; address: string | null }
}

/** Address of the client; behind a reverse proxy that is not trusted the proxy's. Null when it is not known. */
export function remoteAddress(c: Context<Environment>): string | null {
  return c.get('address')
}
