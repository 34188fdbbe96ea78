import { createCallSheet, type Database } from '../../src/db/index.ts'
import type { CallRecord } from '../../src/domain/index.ts'

/** Puts calls into the record, as many as fit on one sheet. */
export async function writeCalls(database: Database, calls: readonly CallRecord[]): Promise<void> {
  const sheet = createCallSheet()
  for (const call of calls) if (!sheet.add(call)) throw new Error('one sheet does not take them all')
  await database.writeCalls(sheet)
}
