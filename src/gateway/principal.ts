import type { TokenScope } from '../domain/index.ts'
import type { CallQuotas } from './route-table.ts'

/** Who was let in. */
export interface Principal {
  /** What their requests are counted under. */
  readonly limitKey: string
  /** The endpoint token; null for somebody who showed none. */
  readonly tokenId: string | null
  /** The member on whose behalf it is, by user id; absent when that is nobody in particular. */
  readonly person?: string
  /** Sessions are bound to it, and records name it. */
  readonly subject: string
  readonly scope: TokenScope
  /** What the token may at most, where that is set for it alone. */
  readonly quotas?: CallQuotas
  /** `WWW-Authenticate` of the answer to a request that is beyond the scope; the plain one when it is not said. */
  readonly challenge?: string
}

/** Everybody who calls a public endpoint without a token, told apart by address only where calls are counted. */
export function anybody(address: string): Principal {
  return { limitKey: `anybody ${address}`, tokenId: null, subject: 'anybody', scope: 'full' }
}
