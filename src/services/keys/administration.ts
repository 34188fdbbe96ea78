import type { ParsedInput, RouteOutput } from '../../contract/index.ts'
import { queries } from '../../db/index.ts'
import { CatwalkError, quoted, type Actor, type Clock } from '../../domain/index.ts'
import { checkOf, type MasterKeys } from '../../vault/index.ts'
import { readRotation, writeRotation, type Rotator } from './rotation.ts'
import { keyCheckStore } from './store.ts'

export interface KeyAdministrationDependencies {
  readonly db: queries.Handle
  readonly keys: MasterKeys
  readonly rotator: Rotator
  readonly clock: Clock
}

type Asked = { readonly actor: Actor }
type Status = RouteOutput<'getKeys'>

/** The use cases about master keys, which concern the installation and no workspace. */
export function createKeyAdministration({ db, keys, rotator, clock }: KeyAdministrationDependencies) {
  async function status(): Promise<Status> {
    // In this order, so that nothing is counted from before a rotation that is over.
    const rotation = await readRotation(db)
    const inUse = await queries.countSealedByKey(db)
    const ring = keys.ring()
    return {
      origin: keys.origin,
      keys: [...ring.keys.keys()].map((id) => ({
        id,
        newest: id === ring.newest.id,
        secrets: inUse.get(id) ?? 0,
      })),
      rotation,
    }
  }

  return {
    /** Which keys there are, and how much is under each. */
    getKeys: status,

    /**
     * Makes a new key; what is new comes under it from now on.
     * @throws CatwalkError `keys_from_environment`
     */
    async addKey({ actor }: Asked): Promise<Status> {
      const id = await keys.add()
      await queries.recordAudit(db, { actor, action: 'master_key.add', target: id })
      return status()
    },

    /** Brings everything under the newest key, in the background; asking again goes on where it was. */
    async rotateKeys({ actor }: Asked): Promise<Status> {
      const { id } = keys.ring().newest
      await db.transaction().execute(async (tx) => {
        const startedAt = clock.now().toISOString()
        await writeRotation(tx, { keyId: id, startedAt, finishedAt: null, unreadable: [] })
        await queries.recordAudit(tx, { actor, action: 'master_key.rotate', target: id })
      })
      rotator.poke()
      return status()
    },

    /**
     * Forgets a key that nothing is under any more.
     * @throws CatwalkError `key_in_use`, `key_not_found`, `keys_from_environment`
     */
    async retireKey({ actor }: Asked, { params }: ParsedInput<'retireKey'>): Promise<Status> {
      const count = (await queries.countSealedByKey(db)).get(params.id) ?? 0
      if (count > 0) {
        throw new CatwalkError('key_in_use', `${count} secrets are still under ${quoted(params.id)}.`)
      }
      const store = keyCheckStore(db)
      if ((await store.readKeyCheck())?.keyId === params.id && params.id !== keys.ring().newest.id) {
        await store.saveKeyCheck(checkOf(keys.ring().newest, clock.now()))
      }
      await keys.retire(params.id)
      await queries.recordAudit(db, { actor, action: 'master_key.retire', target: params.id })
      return status()
    },
  }
}
