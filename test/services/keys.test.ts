import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Database, queries } from '../../src/db/index.ts'
import { newId, Secret, systemClock, type Actor } from '../../src/domain/index.ts'
import { createKeyAdministration, createRotator, ownSecret, type Rotator } from '../../src/services/index.ts'
import { createSealer, createVault, parseKeyRing, type MasterKeys } from '../../src/vault/index.ts'
import { openTestDatabase } from '../support/database.ts'
import { catwalkErrorOf } from '../support/errors.ts'
import { silentLogger } from '../support/logger.ts'
import { until } from '../support/until.ts'

const [oldKey = '', newKey = ''] = [1, 2].map((byte) => Buffer.alloc(32, byte).toString('base64'))
const oldRing = parseKeyRing(oldKey, 'test')
const bothRing = parseKeyRing(`${newKey},${oldKey}`, 'test')

let database: Database
let db: queries.Handle
let workspaceId: string
let deploymentId: string

beforeEach(async () => {
  database = await openTestDatabase()
  db = database.kysely
  workspaceId = newId('workspace')
  deploymentId = newId('deployment')
  await db.insertInto('workspaces').values({ id: workspaceId, name: 'W' }).execute()
  await db
    .insertInto('deployments')
    .values({
      id: deploymentId,
      workspace_id: workspaceId,
      slug: 's',
      name: 's',
      source: 'npm:s',
      runtime: 'local',
      desired: 'running',
    })
    .execute()
})
afterEach(() => database[Symbol.asyncDispose]())

const oldSealer = createSealer(() => oldRing)
const sealer = createSealer(() => bothRing)

/** Keys whose changes the test makes itself. */
function fixedKeys(ring = bothRing): MasterKeys {
  return {
    origin: 'file',
    ring: () => ring,
    add: () => Promise.reject(new Error('not in this test')),
    retire: async () => {},
  }
}

async function storeCredentials(count: number): Promise<string[]> {
  const rows = Array.from({ length: count }, (_, index) => {
    const id = newId('credential')
    const { token, keyId } = oldSealer.encrypt(`credential/${id}`, new Secret(`value ${index}`))
    return {
      id,
      workspace_id: workspaceId,
      deployment_id: deploymentId,
      name: `V${index}`,
      version: 1,
      token,
      key_id: keyId,
    }
  })
  await db.insertInto('credentials').values(rows).execute()
  return rows.map(({ id }) => id)
}

function administration(rotator: Rotator) {
  const admin = createKeyAdministration({ db, keys: fixedKeys(), rotator, clock: systemClock })
  const actor: Actor = {
    kind: 'user',
    id: 'user_1',
    label: 'a@example.com',
    workspaceId,
    role: 'owner',
    address: null,
  }
  return { ...admin, actor }
}

function rotatorWith(checkpoint?: () => Promise<void>): Rotator {
  return createRotator({
    db,
    sealer,
    keys: fixedKeys(),
    clock: systemClock,
    logger: silentLogger,
    ...(checkpoint === undefined ? {} : { checkpoint }),
  })
}

async function finished(rotator: Rotator) {
  const admin = administration(rotator)
  return until('the rotation is done', async () => {
    const status = await admin.getKeys()
    return (status.rotation?.finishedAt ?? null) === null ? null : status
  })
}

test('a rotation brings every secret under the newest key, and each opens as before', async () => {
  const ids = await storeCredentials(250)
  const accounts = await ownSecret(db, oldSealer, 'accounts.secret')
  const root = await ownSecret(db, oldSealer, 'vault.root')
  await using rotator = rotatorWith()
  const admin = administration(rotator)
  await admin.rotateKeys({ actor: admin.actor })
  const status = await finished(rotator)
  expect(status.keys).toEqual([
    { id: bothRing.newest.id, newest: true, secrets: 252 },
    { id: oldRing.newest.id, newest: false, secrets: 0 },
  ])
  const rows = await db.selectFrom('credentials').select(['id', 'name', 'token', 'key_id']).execute()
  for (const row of rows) {
    const value = sealer.decrypt(`credential/${row.id}`, row.token, row.key_id).reveal()
    expect(value).toBe(`value ${row.name.slice(1)}`)
  }
  expect(rows.map(({ id }) => id).toSorted()).toEqual(ids.toSorted())
  expect((await ownSecret(db, sealer, 'accounts.secret')).reveal()).toBe(accounts.reveal())
  // Sessions of MCP clients are sealed with what is derived from it.
  const derived = createVault(sealer, await ownSecret(db, sealer, 'vault.root')).derive('sessions/x', 32)
  expect(derived).toEqual(createVault(oldSealer, root).derive('sessions/x', 32))
})

test('a rotation that was cut off goes on where it was, by another program too', async () => {
  await storeCredentials(250)
  const reached = Promise.withResolvers<void>()
  const stuck = rotatorWith(() => {
    reached.resolve()
    return new Promise(() => {})
  })
  const admin = administration(stuck)
  await admin.rotateKeys({ actor: admin.actor })
  await reached.promise
  const { keys } = await administration(stuck).getKeys()
  expect(keys.map(({ secrets }) => secrets)).toEqual([100, 150])
  await using rotator = rotatorWith()
  rotator.poke()
  expect((await finished(rotator)).keys.map(({ secrets }) => secrets)).toEqual([250, 0])
})

test('what was tampered with or moved is named, left as it is, and does not stop the rest', async () => {
  const [first = '', second = '', third = ''] = await storeCredentials(3)
  const moved = await db
    .selectFrom('credentials')
    .select('token')
    .where('id', '=', first)
    .executeTakeFirstOrThrow()
  await db.updateTable('credentials').set({ token: moved.token }).where('id', '=', second).execute()
  await using rotator = rotatorWith()
  const admin = administration(rotator)
  await admin.rotateKeys({ actor: admin.actor })
  const status = await finished(rotator)
  expect(status.rotation?.unreadable).toEqual([second])
  expect(status.keys.map(({ secrets }) => secrets)).toEqual([2, 1])
  expect(third).not.toBe('')
  const error = await catwalkErrorOf(
    admin.retireKey({ actor: admin.actor }, { params: { id: oldRing.newest.id } }),
  )
  expect(error).toMatchObject({ code: 'key_in_use' })
})
