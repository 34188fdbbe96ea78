import { CatwalkError, quoted } from '../domain/index.ts'
import { addToKeyFile, removeFromKeyFile } from './key-file.ts'
import { parseKeyRing, type KeyRing } from './key-ring.ts'

/** The master keys of the running program. */
export interface MasterKeys {
  /** `environment` keys are changed by whoever sets the variable, not by the program. */
  readonly origin: 'environment' | 'file'
  ring(): KeyRing
  /**
   * Makes a new key, which encrypts from now on. On the disk before it is used.
   * @returns its id
   * @throws CatwalkError `keys_from_environment`
   */
  add(): Promise<string>
  /**
   * Forgets a key. Whoever calls it has made sure that nothing needs it any more.
   * @throws CatwalkError `keys_from_environment`, `key_not_found`, `key_in_use` for the newest one
   */
  retire(keyId: string): Promise<void>
}

/** @param ring as it was loaded at the start */
export function createMasterKeys(origin: MasterKeys['origin'], ring: KeyRing, dataDir: string): MasterKeys {
  let current = ring
  // One change of the file at a time.
  let last: Promise<unknown> = Promise.resolve()

  async function change(edit: () => Promise<string>): Promise<void> {
    if (origin === 'environment') {
      throw new CatwalkError('keys_from_environment', 'The master keys come from CATWALK_MASTER_KEY.')
    }
    const turn = last.then(edit)
    last = turn.catch(() => undefined)
    current = parseKeyRing(await turn, 'master.key')
  }

  return {
    origin,
    ring: () => current,
    async add() {
      await change(() => addToKeyFile(dataDir))
      return current.newest.id
    },
    async retire(keyId) {
      if (!current.keys.has(keyId)) {
        throw new CatwalkError('key_not_found', `The key ring has no key ${quoted(keyId)}.`)
      }
      if (current.newest.id === keyId) {
        throw new CatwalkError(
          'key_in_use',
          `${keyId} is the newest key: everything new is encrypted under it.`,
        )
      }
      await change(() => removeFromKeyFile(dataDir, keyId))
    },
  }
}
