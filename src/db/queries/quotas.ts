import { sql } from 'kysely'
import type { OwnQuotas } from '../../domain/index.ts'
import { announce } from './announce.ts'
import type { Handle } from './handle.ts'

/** What is set for one workspace, null when nothing is. */
export async function ownQuotas(db: Handle, workspaceId: string): Promise<OwnQuotas | null> {
  const { rows } = await sql<OwnQuotas>`
    select deployments, memory_mib as "memoryMiB", calls_per_minute as "callsPerMinute",
      concurrent_calls as "concurrentCalls"
    from workspace_quotas where workspace_id = ${workspaceId}`.execute(db)
  return rows[0] ?? null
}

/** Sets them, and has every replica count by them. Returns false when there is no such workspace. */
export async function setOwnQuotas(db: Handle, workspaceId: string, own: OwnQuotas): Promise<boolean> {
  const { numAffectedRows } = await sql`
    insert into workspace_quotas (workspace_id, deployments, memory_mib, calls_per_minute, concurrent_calls)
    select id, ${own.deployments}::integer, ${own.memoryMiB}::integer, ${own.callsPerMinute}::integer,
      ${own.concurrentCalls}::integer
    from workspaces where id = ${workspaceId}
    on conflict (workspace_id) do update set deployments = excluded.deployments, memory_mib = excluded.memory_mib,
      calls_per_minute = excluded.calls_per_minute, concurrent_calls = excluded.concurrent_calls,
      updated_at = now()`.execute(db)
  if (Number(numAffectedRows ?? 0) === 0) return false
  const deployments = await db
    .selectFrom('deployments')
    .select('id')
    .where('workspace_id', '=', workspaceId)
    .execute()
  for (const { id } of deployments) await announce(db, 'deployment', id)
  return true
}

export interface Taken {
  readonly deployments: number
  readonly memoryMiB: number
}

/**
 * What the deployments of a workspace take, all but one of them if it is named. Memory is that of each one's newest
 * release, whether it runs or not.
 */
export async function takenOf(db: Handle, workspaceId: string, except: string | null): Promise<Taken> {
  const { rows } = await sql<Taken>`
    select count(*)::int4 as deployments, coalesce(sum((r.settings ->> 'memoryMiB')::int4), 0)::int4 as "memoryMiB"
    from deployments d
    join lateral (
      select settings from releases where deployment_id = d.id order by number desc limit 1
    ) r on true
    where d.workspace_id = ${workspaceId} and d.kind = 'server' and d.desired <> 'deleted'
      and (${except}::text is null or d.id <> ${except})`.execute(db)
  return rows[0] ?? { deployments: 0, memoryMiB: 0 }
}

/** Holds back others that would take something of the workspace, until the transaction ends. */
export async function lockWorkspace(tx: Handle, workspaceId: string): Promise<void> {
  await sql`select 1 from workspaces where id = ${workspaceId} for no key update`.execute(tx)
}
