import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { openTestDatabase } from '../support/database.ts'

test('a connection that dies inside a transaction fails that transaction and nothing else', async () => {
  await using database = await openTestDatabase()
  const db = database.kysely
  const broken = db.transaction().execute(async (tx) => {
    const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(tx)
    await sql`select pg_terminate_backend(${rows[0]?.pid ?? 0})`.execute(db)
    await sql`select pg_sleep(0.05)`.execute(db)
    await sql`select 1`.execute(tx)
  })
  await expect(broken).rejects.toThrow()
  expect((await sql<{ one: number }>`select 1 as one`.execute(db)).rows).toEqual([{ one: 1 }])
})
