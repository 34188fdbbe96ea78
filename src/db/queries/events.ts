import { sql } from 'kysely'
import { noticeOf } from '../../domain/index.ts'
import type { Handle } from './handle.ts'
import { addNotice } from './notices.ts'

export type EventKind =
  | 'release.created'
  | 'release.state'
  | 'deployment.desired'
  | 'instance.ready'
  | 'instance.ended'
  | 'instance.restart'
  | 'instance.asleep'
  | 'instance.silent'
  | 'account.connected'
  | 'account.broken'
  | 'tools.sighted'
  | 'update.found'
  | 'node.lost'

export interface NewEvent {
  readonly workspaceId: string
  readonly deploymentId: string
  readonly releaseId: string | null
  readonly kind: EventKind
  readonly message: string
  readonly data?: Readonly<Record<string, unknown>>
}

export interface EventRow {
  readonly id: string
  readonly at: Date
  readonly kind: string
  readonly message: string
  readonly release_id: string | null
  readonly data: unknown
}

/**
 * Adds an event to a deployment's history, which is what counts as its last change, and what is to be told of it. The
 * deployment is locked before the event gets its id: until this transaction ends nobody else adds one, so that who has
 * read up to an id has read all before it.
 */
export async function insertEvent(db: Handle, event: NewEvent): Promise<void> {
  await sql`
    with locked as (update deployments set updated_at = now() where id = ${event.deploymentId} returning id)
    insert into events (workspace_id, deployment_id, release_id, kind, message, data)
    select ${event.workspaceId}, id, ${event.releaseId}, ${event.kind}, ${event.message},
      ${JSON.stringify(event.data ?? {})}::jsonb
    from locked`.execute(db)
  const kind = noticeOf(event.kind, event.data ?? {})
  if (kind !== null) await addNotice(db, { ...event, kind })
}

/** Events after a cursor, oldest first. */
export async function listEvents(
  db: Handle,
  deploymentId: string,
  after: string,
  limit: number,
): Promise<readonly EventRow[]> {
  return db
    .selectFrom('events')
    .select(['id', 'at', 'kind', 'message', 'release_id', 'data'])
    .where('deployment_id', '=', deploymentId)
    .where('id', '>', after)
    .orderBy('id')
    .limit(limit)
    .execute()
}
