import { z } from 'zod'
import { queries } from '../../db/index.ts'
import type { Vault } from '../../vault/index.ts'
import { GENESIS, linkHash } from './links.ts'

const BATCH = 500
const HEAD = 'audit.head'
const Head = z.object({ seq: z.string().regex(/^\d{1,19}$/), hash: z.string() })

/** The key of the chain; the same on every node and under every master key. */
export function auditKey(vault: Vault): Buffer {
  return vault.derive('audit', 32)
}

/**
 * Adds what was committed since to the chain. One writer at a time over all replicas, and none that writes an entry
 * waits for it.
 * @returns how many entries were added
 */
export async function chainAuditEntries(db: queries.Handle, vault: Vault): Promise<number> {
  const key = auditKey(vault)
  let added = 0
  for (;;) {
    const count = await db.transaction().execute(async (tx) => {
      const head = await queries.lockAuditHead(tx)
      let seq = head?.seq ?? 0n
      let previousHash = head?.hash ?? GENESIS
      const links = (await queries.unchainedAudit(tx, BATCH)).map((row) => {
        seq += 1n
        const link = { id: row.id, seq, previousHash, hash: linkHash(key, seq, previousHash, row) }
        previousHash = link.hash
        return link
      })
      if (links.length === 0) return 0
      await queries.chainAudit(tx, links)
      // Beside the chain, so that its end cannot be cut off unseen.
      await queries.writeSetting(tx, HEAD, { seq: seq.toString(), hash: previousHash.toString('hex') })
      return links.length
    })
    added += count
    if (count < BATCH) return added
  }
}

/** The end of the chain as it was noted. */
export async function notedHead(db: queries.Handle): Promise<{ seq: bigint; hash: string } | null> {
  const noted = Head.nullable().parse(await queries.readSetting(db, HEAD))
  return noted === null ? null : { seq: BigInt(noted.seq), hash: noted.hash }
}
