import { sql } from 'kysely'
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

/** An entry as it stands, with the exact texts that its hash is made of. */
export interface AuditRow {
  readonly id: string
  readonly workspace_id: string
  readonly actor_kind: string
  readonly actor_id: string
  readonly actor_label: string
  readonly address: string | null
  readonly action: string
  readonly target: string | null
  readonly outcome: 'done' | 'refused' | 'failed'
  /** JSON, as the database writes it. */
  readonly detail: string
  /** RFC 3339 in UTC, with microseconds. */
  readonly at: string
  readonly seq: string | null
  readonly previous_hash: Buffer | null
  readonly hash: Buffer | null
}

const AUDIT_COLUMNS =
  sql.raw(`id, workspace_id, actor_kind, actor_id, actor_label, address, action, target, outcome,
  detail::text as detail, to_char(at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at,
  seq, previous_hash, hash`)

export interface AuditFilter {
  readonly workspaceId: string
  readonly action: string | undefined
  /** Part of the actor's label, or the whole id. */
  readonly actor: string | undefined
  readonly target: string | undefined
  readonly outcome: AuditRow['outcome'] | undefined
  readonly from: Date | undefined
  readonly to: Date | undefined
  /** Only entries older than the one with this id. */
  readonly before: string | undefined
  readonly limit: number
}

/** Entries of one workspace that fit, newest first. */
export async function listAudit(db: Handle, filter: AuditFilter): Promise<readonly AuditRow[]> {
  const { action, actor, target, outcome, from, to, before } = filter
  const { rows } = await sql<AuditRow>`
    select ${AUDIT_COLUMNS} from audit_entries
    where workspace_id = ${filter.workspaceId}
      and (${action ?? null}::text is null or action = ${action ?? null}
        or starts_with(action, ${action ?? ''} || '.'))
      and (${actor ?? null}::text is null or actor_id = ${actor ?? null}
        or strpos(lower(actor_label), lower(${actor ?? ''})) > 0)
      and (${target ?? null}::text is null or target = ${target ?? null}
        or detail ->> 'deployment' = ${target ?? null})
      and (${outcome ?? null}::text is null or outcome = ${outcome ?? null})
      and (${from ?? null}::timestamptz is null or at >= ${from ?? null})
      and (${to ?? null}::timestamptz is null or at < ${to ?? null})
      and (${before ?? null}::text is null or id < ${before ?? null})
    order by id desc limit ${filter.limit}`.execute(db)
  return rows
}

export interface AuditHead {
  readonly seq: bigint
  readonly hash: Buffer
}

/** Makes this transaction the only one that adds to the chain, and returns the chain's end; null before the first. */
export async function lockAuditHead(db: Handle): Promise<AuditHead | null> {
  await sql`select pg_advisory_xact_lock(hashtext('catwalk.audit_chain'))`.execute(db)
  const { rows } = await sql<{ seq: string; hash: Buffer }>`
    select seq, hash from audit_entries where seq is not null order by seq desc limit 1`.execute(db)
  const [last] = rows
  return last === undefined ? null : { seq: BigInt(last.seq), hash: last.hash }
}

/** Committed entries that are in no chain yet, oldest first. */
export async function unchainedAudit(db: Handle, limit: number): Promise<readonly AuditRow[]> {
  const { rows } = await sql<AuditRow>`
    select ${AUDIT_COLUMNS} from audit_entries where seq is null order by id limit ${limit}`.execute(db)
  return rows
}

/** Adds entries to the chain, in this order. */
export async function chainAudit(
  db: Handle,
  links: readonly { id: string; seq: bigint; previousHash: Buffer; hash: Buffer }[],
): Promise<void> {
  if (links.length === 0) return
  await sql`
    update audit_entries a set seq = n.seq, previous_hash = decode(n.previous, 'hex'), hash = decode(n.hash, 'hex')
    from unnest(${links.map(({ id }) => id)}::text[], ${links.map(({ seq }) => seq.toString())}::bigint[],
      ${links.map(({ previousHash }) => previousHash.toString('hex'))}::text[],
      ${links.map(({ hash }) => hash.toString('hex'))}::text[]) as n (id, seq, previous, hash)
    where a.id = n.id and a.seq is null`.execute(db)
}

/** The chain after a number, in its order. */
export async function readAuditChain(db: Handle, after: bigint, limit: number): Promise<readonly AuditRow[]> {
  const { rows } = await sql<AuditRow>`
    select ${AUDIT_COLUMNS} from audit_entries where seq > ${after.toString()}::bigint
    order by seq limit ${limit}`.execute(db)
  return rows
}
