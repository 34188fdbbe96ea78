import { sql } from 'kysely'
import { CatwalkError } from '../../domain/index.ts'
import type { Handle } from './handle.ts'

/** The number of a transaction, by which what became of it is found out afterwards. */
export async function transactionId(tx: Handle): Promise<string> {
  const { rows } = await sql<{ id: string }>`select pg_current_xact_id()::text as id`.execute(tx)
  return rows[0]?.id ?? ''
}

/**
 * Whether a transaction came about whose end was not heard.
 * @throws CatwalkError `database_unreachable` while the server has not noticed yet that nobody is there any more
 */
export async function hasCommitted(db: Handle, id: string): Promise<boolean> {
  const { rows } = await sql<{ status: string | null }>`select pg_xact_status(${id}::xid8) as status`.execute(
    db,
  )
  const status = rows[0]?.status
  if (status !== 'in progress') return status === 'committed'
  throw new CatwalkError('database_unreachable', 'The database has not ended a transaction that was cut off.')
}
