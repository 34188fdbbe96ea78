import { CatwalkError, Secret, systemClock, type Clock } from '../domain/index.ts'
import { FERNET_KEY_BYTES, openFernet, sealFernet, type FernetKey } from './fernet.ts'
import { deriveBytes, type KeyRing, type MasterKey } from './key-ring.ts'

export interface Sealed {
  /** A Fernet token. */
  readonly token: string
  /** Which master key it needs. */
  readonly keyId: string
}

/** Encrypts under the newest key of a ring and decrypts under any of it. */
export interface Sealer {
  /**
   * Encrypts a value for one place. The scope names that place for good (a kind and a row's id), because the key is
   * derived from it: a token that is moved to another row does not open there.
   */
  encrypt(scope: string, value: Secret): Sealed
  /**
   * @throws CatwalkError `credential_unreadable` for a token that was changed, was made for another scope, or needs a
   * key that the ring does not hold
   */
  decrypt(scope: string, token: string, keyId: string): Secret
}

/** @param ring asked each time, because keys are added and retired while the program runs */
export function createSealer(ring: () => KeyRing, clock: Clock = systemClock): Sealer {
  return {
    encrypt(scope, value) {
      const { newest } = ring()
      const message = Buffer.from(value.reveal(), 'utf8')
      return { token: sealFernet(keyFor(newest, scope), message, clock.now()), keyId: newest.id }
    },
    decrypt(scope, token, keyId) {
      const master = ring().keys.get(keyId)
      if (master === undefined) {
        throw unreadable(
          `The secret of ${scope} needs the master key ${keyId}, which is not in the key ring.`,
        )
      }
      const message = openFernet(keyFor(master, scope), token)
      if (message === null) {
        throw unreadable(`The secret of ${scope} was changed, or belongs somewhere else.`)
      }
      return new Secret(message.toString('utf8'))
    },
  }
}

function keyFor(master: MasterKey, scope: string): FernetKey {
  return deriveBytes(master.bytes, `encrypt ${scope}`, FERNET_KEY_BYTES)
}

function unreadable(message: string): CatwalkError {
  return new CatwalkError('credential_unreadable', message)
}
