import { expect, test } from 'vitest'
import { openTestDatabase } from '../support/database.ts'

test('each test database is migrated, empty and apart from the others', async () => {
  await using one = await openTestDatabase()
  await using other = await openTestDatabase()
  await one.kysely.insertInto('workspaces').values({ id: 'ws_1', name: 'One' }).execute()
  expect(await one.kysely.selectFrom('workspaces').select('id').execute()).toEqual([{ id: 'ws_1' }])
  expect(await other.kysely.selectFrom('workspaces').select('id').execute()).toEqual([])
})
