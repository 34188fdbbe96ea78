import type { JsonValue } from '../../domain/index.ts'
import { sql } from 'kysely'
import type { Handle } from './handle.ts'

/** A setting of the installation, null when it was never set. */
export async function readSetting(db: Handle, key: string): Promise<JsonValue> {
  const row = await db.selectFrom('settings').select('value').where('key', '=', key).executeTakeFirst()
  return row?.value ?? null
}

/** Sets it, whatever it was. */
export async function writeSetting(db: Handle, key: string, value: JsonValue): Promise<void> {
  const text = JSON.stringify(value)
  await db
    .insertInto('settings')
    .values({ key, value: text })
    .onConflict((conflict) =>
      conflict.column('key').doUpdateSet({ value: text, updated_at: sql<Date>`now()` }),
    )
    .execute()
}

/** Sets it unless it is set, and returns what it is then: replicas that start together agree. */
export async function settleSetting(db: Handle, key: string, value: JsonValue): Promise<JsonValue> {
  await db
    .insertInto('settings')
    .values({ key, value: JSON.stringify(value) })
    .onConflict((conflict) => conflict.column('key').doNothing())
    .execute()
  return readSetting(db, key)
}
