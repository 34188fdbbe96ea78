import { CatwalkError, type Secret } from '../domain/index.ts'
import { openFernet, sealFernet } from './fernet.ts'
import { createKeyFile, readKeyFile } from './key-file.ts'
import { deriveBytes, parseKeyRing, type KeyRing, type MasterKey } from './key-ring.ts'

/** A value sealed under a key, kept beside the data so that a wrong key is noticed before it is used. */
export interface KeyCheck {
  readonly keyId: string
  readonly token: string
}

/** What the vault asks of the database. */
export interface KeyCheckStore {
  /** Whether anything is stored that only a master key opens. */
  hasCiphertext(): Promise<boolean>
  readKeyCheck(): Promise<KeyCheck | null>
  saveKeyCheck(check: KeyCheck): Promise<void>
}

export interface KeyRingOptions {
  readonly dataDir: string
  /** From the environment; the newest first, separated by commas. Null reads `master.key`, made when it is missing. */
  readonly masterKey: Secret | null
  readonly store: KeyCheckStore
  readonly now: Date
}

const CHECKED = Buffer.from('catwalk')

/**
 * Finds the master keys and makes sure that they fit what is stored.
 * @throws CatwalkError `master_key_missing` when there is none although something is encrypted, `master_key_wrong`
 * when there is another, `config_invalid` for a malformed key or a file that others can read
 */
export async function loadKeyRing(options: KeyRingOptions): Promise<KeyRing> {
  const { store } = options
  const hasCiphertext = await store.hasCiphertext()
  const ring = await findKeys(options, hasCiphertext)
  const check = await store.readKeyCheck()
  if (check !== null && fits(ring, check)) return ring
  // While nothing is encrypted, any key will do.
  if (check !== null && hasCiphertext) {
    throw new CatwalkError(
      'master_key_wrong',
      `What is stored was encrypted under the master key ${check.keyId}; the one given is ${ring.newest.id}.`,
    )
  }
  await store.saveKeyCheck(checkOf(ring.newest, options.now))
  return ring
}

async function findKeys(options: KeyRingOptions, hasCiphertext: boolean): Promise<KeyRing> {
  if (options.masterKey !== null) return parseKeyRing(options.masterKey.reveal(), 'CATWALK_MASTER_KEY')
  const existing = await readKeyFile(options.dataDir)
  if (existing !== null) return parseKeyRing(existing.text, existing.file)
  if (hasCiphertext) {
    throw new CatwalkError(
      'master_key_missing',
      `Credentials are stored, but there is no master key: CATWALK_MASTER_KEY is not set and ${options.dataDir} has no master.key.`,
    )
  }
  const created = await createKeyFile(options.dataDir)
  return parseKeyRing(created.text, created.file)
}

function checkKey(master: MasterKey): Buffer {
  return deriveBytes(master.bytes, 'key check', 32)
}

function checkOf(master: MasterKey, now: Date): KeyCheck {
  return { keyId: master.id, token: sealFernet(checkKey(master), CHECKED, now) }
}

function fits(ring: KeyRing, check: KeyCheck): boolean {
  const master = ring.keys.get(check.keyId)
  return master !== undefined && openFernet(checkKey(master), check.token)?.equals(CHECKED) === true
}
