import { createHmac } from 'node:crypto'
import type { queries } from '../../db/index.ts'

/** What stands before the first entry. */
export const GENESIS: Buffer = Buffer.alloc(32)

/**
 * The hash of an entry at its place in the chain: HMAC-SHA256 over everything that it says, its number and the hash
 * before it. Keyed, so that whoever can write to the database cannot make a chain of their own.
 */
export function linkHash(key: Buffer, seq: bigint, previous: Buffer, row: queries.AuditRow): Buffer {
  const said = [
    seq.toString(),
    previous.toString('hex'),
    row.id,
    row.workspace_id,
    row.actor_kind,
    row.actor_id,
    row.actor_label,
    row.address,
    row.action,
    row.target,
    row.outcome,
    row.detail,
    row.at,
  ]
  return createHmac('sha256', key).update(JSON.stringify(said)).digest()
}
