import type { RouteOutput } from '../../contract/index.ts'
import type { queries } from '../../db/index.ts'

/** An endpoint token as the API shows it. */
export function presentToken(row: queries.EndpointTokenRow): RouteOutput<'listTokens'>['items'][number] {
  return {
    id: row.id,
    name: row.name,
    scope: row.scope,
    prefix: row.prefix,
    createdAt: row.created_at.toISOString(),
    expiresAt: row.expires_at?.toISOString() ?? null,
    lastUsedAt: row.last_used_at?.toISOString() ?? null,
    callsPerMinute: row.calls_per_minute,
    concurrentCalls: row.concurrent_calls,
    replacedBy: row.replaced_by,
  }
}
