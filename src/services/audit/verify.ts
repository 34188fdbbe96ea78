import type { RouteOutput } from '../../contract/index.ts'
import { queries } from '../../db/index.ts'
import type { ServiceContext } from '../context.ts'
import { auditKey, chainAuditEntries, notedHead } from './chain.ts'
import { GENESIS, linkHash } from './links.ts'

const BATCH = 1000

type Verification = RouteOutput<'verifyAudit'>

/** Goes through the whole chain, of all workspaces, and tells the first place where it does not hold. */
export async function verifyAudit(ctx: ServiceContext): Promise<Verification> {
  await chainAuditEntries(ctx.db, ctx.vault)
  const noted = await notedHead(ctx.db)
  const key = auditKey(ctx.vault)
  let seq = 0n
  let previous: Buffer = GENESIS
  for (;;) {
    ctx.signal.throwIfAborted()
    const rows = await queries.readAuditChain(ctx.db, seq, BATCH)
    for (const row of rows) {
      const problem = problemOf(row, seq + 1n, previous, key)
      if (problem !== null) return broken(seq, problem)
      seq += 1n
      previous = row.hash ?? GENESIS
    }
    if (rows.length < BATCH) break
  }
  // Entries may have been added since the end was noted.
  if ((noted?.seq ?? 0n) > seq)
    return broken(seq, { seq: (seq + 1n).toString(), entry: null, what: 'missing' })
  return { ok: true, entries: Number(seq), head: previous.toString('hex'), problem: null }
}

type Problem = NonNullable<Verification['problem']>

function problemOf(row: queries.AuditRow, seq: bigint, previous: Buffer, key: Buffer): Problem | null {
  const at = (what: Problem['what']): Problem => ({ seq: seq.toString(), entry: row.id, what })
  if (row.seq !== seq.toString()) return { seq: seq.toString(), entry: null, what: 'missing' }
  if (row.previous_hash?.equals(previous) !== true) return at('moved')
  return row.hash?.equals(linkHash(key, seq, previous, row)) === true ? null : at('changed')
}

function broken(entries: bigint, problem: Problem): Verification {
  return { ok: false, entries: Number(entries), head: null, problem }
}
