import { setImmediate as breathe } from 'node:timers/promises'
import { z } from 'zod'
import { queries } from '../../db/index.ts'
import { CatwalkError, type Clock, type Logger } from '../../domain/index.ts'
import { checkOf, type MasterKeys, type Sealer } from '../../vault/index.ts'
import { SEAL_SCOPES } from './scopes.ts'
import { keyCheckStore } from './store.ts'

const SETTING = 'vault.rotation'
const BATCH = 100

const Rotation = z.object({
  keyId: z.string(),
  startedAt: z.string(),
  finishedAt: z.string().nullable(),
  unreadable: z.array(z.string()),
})

/** A rotation as it is stored: the key that everything comes under, and what could not be opened on the way. */
export type Rotation = z.infer<typeof Rotation>

export interface RotationDependencies {
  readonly db: queries.Handle
  readonly sealer: Sealer
  readonly keys: MasterKeys
  readonly clock: Clock
  readonly logger: Logger
  /** Called after each batch that is committed. */
  readonly checkpoint?: () => Promise<void>
}

/** Encrypts everything anew under the newest key, in the background. */
export interface Rotator extends AsyncDisposable {
  /** Goes on with a rotation that is under way, of whichever program; does nothing when there is none. */
  poke(): void
}

/** The rotation that is under way or was the last; null before the first. */
export async function readRotation(db: queries.Handle): Promise<Rotation | null> {
  return Rotation.nullable().parse(await queries.readSetting(db, SETTING))
}

/** Notes that everything is to come under this key. Whoever has a rotator goes on from here. */
export async function writeRotation(db: queries.Handle, rotation: Rotation): Promise<void> {
  await queries.writeSetting(db, SETTING, rotation)
}

/**
 * What is left is found by its key id, so a rotation that was cut off anywhere simply goes on: a row is under one key
 * or the other, never between.
 */
export function createRotator(deps: RotationDependencies): Rotator {
  const stopping = new AbortController()
  let running: Promise<void> | null = null
  let again = false

  async function work(): Promise<void> {
    try {
      do {
        again = false
        await rotate(deps, stopping.signal)
      } while (isAgain() && !stopping.signal.aborted)
    } catch (error) {
      if (!stopping.signal.aborted)
        deps.logger.error({ err: error }, 'the key rotation stopped; it is tried again')
    } finally {
      running = null
    }
  }
  const isAgain = () => again

  return {
    poke() {
      again = true
      if (!stopping.signal.aborted) running ??= work()
    },
    async [Symbol.asyncDispose]() {
      stopping.abort()
      await running
    },
  }
}

async function rotate(deps: RotationDependencies, signal: AbortSignal): Promise<void> {
  const { db, keys, clock, logger } = deps
  const rotation = await readRotation(db)
  if (rotation === null || rotation.finishedAt !== null) return
  const { newest } = keys.ring()
  // Another replica knows a newer key; what it does must not be undone.
  if (newest.id !== rotation.keyId) return
  const unreadable = await rewrapSettings(deps)
  for (const table of queries.SEALED_TABLES) unreadable.push(...(await rewrapTable(deps, table, signal)))
  if (signal.aborted) return
  await keyCheckStore(db).saveKeyCheck(checkOf(newest, clock.now()))
  await writeRotation(db, { ...rotation, finishedAt: clock.now().toISOString(), unreadable })
  logger.info({ keyId: newest.id, unreadable: unreadable.length }, 'everything is under the newest key')
}

async function rewrapTable(
  deps: RotationDependencies,
  table: queries.SealedTable,
  signal: AbortSignal,
): Promise<string[]> {
  const unreadable: string[] = []
  let after = ''
  while (!signal.aborted) {
    const last = await deps.db.transaction().execute(async (tx) => {
      const rows = await queries.lockSealedUnderOthers(tx, table, deps.keys.ring().newest.id, after, BATCH)
      const done = rows.map((row) => rewrap(deps.sealer, SEAL_SCOPES[table](row.id), row))
      unreadable.push(...rows.filter((_, index) => done[index] === null).map((row) => row.id))
      await queries.replaceSealed(
        tx,
        table,
        done.filter((row) => row !== null),
      )
      return rows.at(-1)?.id
    })
    if (last === undefined) return unreadable
    after = last
    await deps.checkpoint?.()
    // Calls go first.
    await breathe()
  }
  return unreadable
}

async function rewrapSettings(deps: RotationDependencies): Promise<string[]> {
  return deps.db.transaction().execute(async (tx) => {
    const unreadable: string[] = []
    for (const row of await queries.lockSealedSettings(tx, deps.keys.ring().newest.id)) {
      const done = rewrap(deps.sealer, row.id, row)
      if (done === null) unreadable.push(row.id)
      else await queries.writeSetting(tx, row.id, { token: done.token, keyId: done.key_id })
    }
    return unreadable
  })
}

/** Null for what does not open: it stays as it is, for whoever can still mend it. */
function rewrap(sealer: Sealer, scope: string, row: queries.SealedRow): queries.SealedRow | null {
  try {
    const { token, keyId } = sealer.encrypt(scope, sealer.decrypt(scope, row.token, row.key_id))
    return { id: row.id, token, key_id: keyId }
  } catch (error) {
    if (error instanceof CatwalkError && error.code === 'credential_unreadable') return null
    throw error
  }
}
