import { sql } from 'kysely'
import { queries } from '../../db/index.ts'
import { quoted } from '../../domain/index.ts'
import type { Vault } from '../../vault/index.ts'
import { SEAL_SCOPES } from '../keys/scopes.ts'

const BATCH = 500
const MOST_NAMED = 5

/** What each kind of encrypted value is called. */
const WORDS: Readonly<Record<queries.SealedTable, string>> = {
  credentials: 'the credential',
  personal_credentials: 'the credential of a member',
  workspace_settings: 'the setting of a workspace',
  account_providers: 'the secret of a service',
  connected_accounts: 'the connected account',
  account_revocations: 'the account to be revoked',
  notice_channels: 'the address for notices',
}

export interface Unreadable {
  readonly total: number
  readonly count: number
  /** The first of them, in words. */
  readonly named: readonly string[]
}

/** Opens every value that is stored, and forgets it again. */
export async function findUnreadable(
  db: queries.Handle,
  vault: Vault,
  signal: AbortSignal,
): Promise<Unreadable> {
  let total = 0
  let count = 0
  const named: string[] = []
  for (const table of queries.SEALED_TABLES) {
    let after = ''
    for (;;) {
      signal.throwIfAborted()
      const rows = await queries.listSealed(db, table, after, BATCH)
      const closed = rows.filter((row) => !opens(vault, table, row))
      total += rows.length
      count += closed.length
      for (const { id } of closed.slice(0, MOST_NAMED - named.length)) named.push(await nameOf(db, table, id))
      after = rows.at(-1)?.id ?? after
      if (rows.length < BATCH) break
    }
  }
  return { total, count, named }
}

function opens(vault: Vault, table: queries.SealedTable, row: queries.SealedRow): boolean {
  try {
    vault.decrypt(SEAL_SCOPES[table](row.id), row.token, row.key_id)
    return true
  } catch {
    return false
  }
}

async function nameOf(db: queries.Handle, table: queries.SealedTable, id: string): Promise<string> {
  if (table !== 'credentials' && table !== 'personal_credentials') return `${WORDS[table]} ${quoted(id)}`
  const { rows } = await sql<{ name: string; slug: string }>`
    select c.name, d.slug from ${sql.table(table)} c join deployments d on d.id = c.deployment_id
    where c.id = ${id}`.execute(db)
  const [row] = rows
  return row === undefined
    ? `${WORDS[table]} ${quoted(id)}`
    : `${WORDS[table]} ${quoted(row.name)} of ${quoted(row.slug)}`
}
