import { newId, type Actor } from '../../domain/index.ts'
import type { Handle } from './handle.ts'

export interface AuditRecord {
  readonly actor: Actor
  /** Entity and verb, e.g. `deployment.stop`. */
  readonly action: string
  readonly target: string | null
  readonly outcome?: 'done' | 'refused' | 'failed'
  /** Public facts only, never a secret. */
  readonly detail?: Readonly<Record<string, unknown>>
}

/** Adds an entry to the audit log, in the transaction that it records. */
export async function recordAudit(db: Handle, record: AuditRecord): Promise<void> {
  await db
    .insertInto('audit_entries')
    .values({
      id: newId('audit'),
      workspace_id: record.actor.workspaceId,
      actor_kind: record.actor.kind,
      actor_id: record.actor.id,
      actor_label: record.actor.label,
      address: record.actor.address,
      action: record.action,
      target: record.target,
      outcome: record.outcome ?? 'done',
      detail: JSON.stringify(record.detail ?? {}),
    })
    .execute()
}
