import { sql } from 'kysely'
import type { CallOutcome } from '../../domain/index.ts'
import type { Handle } from './handle.ts'

export interface CallRow {
  readonly id: string
  readonly at: Date
  readonly deployment_id: string
  readonly slug: string
  readonly token_id: string | null
  /** Of a token or of a client that signed in; null when it is gone, or there was none. */
  readonly token_name: string | null
  readonly subject: string
  /** Of an API key that is still there. */
  readonly key_name: string | null
  /** Address of the person: who signed in, or who made the token or key. Null when they are gone. */
  readonly person: string | null
  readonly method: string | null
  readonly name: string | null
  readonly outcome: CallOutcome
  readonly duration_ms: number
  readonly request_id: string
  readonly trace_id: string | null
}

export interface CallFilter {
  readonly deploymentId?: string | undefined
  /** Id or name. */
  readonly token?: string | undefined
  readonly name?: string | undefined
  /** Id of a subject, or address of a person. */
  readonly subject?: string | undefined
  readonly outcome?: CallOutcome | undefined
  readonly since?: Date | undefined
  readonly until?: Date | undefined
  /** Only older than this one. */
  readonly before?: string | undefined
}

/** Calls of a workspace, newest first. */
export async function listCalls(
  db: Handle,
  workspaceId: string,
  filter: CallFilter,
  limit: number,
): Promise<readonly CallRow[]> {
  const { deploymentId = null, token = null, name = null, subject = null, outcome = null } = filter
  const { since = null, until = null, before = null } = filter
  const { rows } = await sql<CallRow>`
    select c.id, c.at, c.deployment_id, d.slug, c.token_id, coalesce(t.name, k.name) as token_name, a.name as key_name, c.subject, p.email as person,
      c.method, c.name, c.outcome, c.duration_ms, c.request_id, c.trace_id
    from calls c
    join deployments d on d.id = c.deployment_id
    left join endpoint_tokens t on t.id = c.token_id
    left join oauth_connections o on o.id = c.token_id
    left join oauth_clients k on k.id = o.client_id
    left join api_keys a on a.id = c.subject
    left join users p on p.id = coalesce(t.user_id, a.created_by, c.subject)
    where c.workspace_id = ${workspaceId}
      and (${deploymentId}::text is null or c.deployment_id = ${deploymentId})
      and (${token}::text is null or c.token_id = ${token} or t.name = ${token} or k.name = ${token})
      and (${name}::text is null or c.name = ${name})
      and (${subject}::text is null or c.subject = ${subject} or p.email = lower(${subject}))
      and (${outcome}::text is null or c.outcome = ${outcome})
      and (${since}::timestamptz is null or c.at >= ${since})
      and (${until}::timestamptz is null or c.at < ${until})
      and (${before}::bigint is null or c.id < ${before}::bigint)
    order by c.id desc
    limit ${limit}`.execute(db)
  return rows
}
