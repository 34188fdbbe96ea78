import {
  createAuth,
  createSetUpLinks,
  ensureWorkspace,
  type Auth,
  type SetUpLinks,
} from '../../src/auth/index.ts'
import type { Database } from '../../src/db/index.ts'
import { Secret, type Clock } from '../../src/domain/index.ts'
import { openTestDatabase } from '../support/database.ts'
import { silentLogger } from '../support/logger.ts'

export const PUBLIC_URL = new URL('http://localhost:7420')

export const owner = { name: 'Ada', email: 'Ada@Example.com', password: 'correct horse battery' }

/** A clock that stands still until it is moved. */
function movableClock(): Clock & { advance(ms: number): void } {
  let now = Date.now()
  return {
    now: () => new Date(now),
    advance: (ms) => {
      now += ms
    },
  }
}

export interface Accounts extends AsyncDisposable {
  readonly database: Database
  readonly workspaceId: string
  readonly auth: Auth
  readonly setUpLinks: SetUpLinks
  readonly clock: ReturnType<typeof movableClock>
}

/** Accounts on a database of their own, as at a first start. */
export async function openAccounts({ publicUrl = PUBLIC_URL } = {}): Promise<Accounts> {
  const database = await openTestDatabase()
  const clock = movableClock()
  const workspaceId = await ensureWorkspace(database.kysely)
  const common = { database: database.kysely, publicUrl, clock }
  return {
    database,
    workspaceId,
    clock,
    auth: createAuth({ ...common, port: 7420, secret: new Secret('s'.repeat(32)), logger: silentLogger }),
    setUpLinks: createSetUpLinks({ ...common, workspaceId }),
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  }
}

/** The token that a set-up link carries. */
export function tokenOf(url: URL): string {
  return new URLSearchParams(url.hash.slice(1)).get('token') ?? ''
}

/** Makes the owner account as the newcomer does. */
export async function makeOwner({ setUpLinks }: Accounts) {
  const { url } = await setUpLinks.issue(null)
  return setUpLinks.redeem({ token: tokenOf(url), ...owner }, '192.0.2.1')
}

/** What a browser sends back of these `Set-Cookie` values. */
export function cookieHeader(setCookies: readonly string[]): string {
  return setCookies.map((cookie) => cookie.split(';')[0]).join('; ')
}
