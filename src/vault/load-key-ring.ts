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
  /** How many secrets are stored under each master key, by its id. Empty while nothing is encrypted. */
  countByKey(): Promise<ReadonlyMap<string, number>>
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
 * Finds the master keys and makes sure that they fit what is stored. Changes nothing when they don't.
 * @throws CatwalkError `master_key_missing` when there is none although something is encrypted, `master_key_wrong`
 * when there are others, `master_key_incomplete` when some of those needed are there, `config_invalid` for a malformed
 * key or a file that others can read
 */
export async function loadKeyRing(options: KeyRingOptions): Promise<KeyRing> {
  const { store } = options
  const inUse = await store.countByKey()
  const ring = await findKeys(options, inUse.size > 0)
  const check = await store.readKeyCheck()
  const isGenuine = check !== null && fits(ring, check)
  // While nothing is encrypted, any key will do.
  if (inUse.size > 0) {
    requireKeys(ring, inUse, check !== null && !isGenuine && ring.keys.has(check.keyId) ? check.keyId : null)
  }
  if (!isGenuine) await store.saveKeyCheck(checkOf(ring.newest, options.now))
  return ring
}

/** @param forged id of a key whose check does not open with the key that has this id */
function requireKeys(ring: KeyRing, inUse: ReadonlyMap<string, number>, forged: string | null): void {
  const missing = [...inUse].filter(([id]) => !ring.keys.has(id) || id === forged)
  if (missing.length === 0 && forged === null) return
  const needed = missing
    .map(([id, count]) => `${id} (${count} ${count === 1 ? 'secret' : 'secrets'})`)
    .join(', ')
  if (missing.length === inUse.size || forged !== null) {
    throw new CatwalkError(
      'master_key_wrong',
      `What is stored was encrypted under ${needed === '' ? forged : needed}; the key given is ${ring.newest.id}.`,
    )
  }
  throw new CatwalkError(
    'master_key_incomplete',
    `The key ring lacks a master key that is in use: ${needed}.`,
  )
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

/** Made anew when another key becomes the one that everything is under. */
export function checkOf(master: MasterKey, now: Date): KeyCheck {
  return { keyId: master.id, token: sealFernet(checkKey(master), CHECKED, now) }
}

function fits(ring: KeyRing, check: KeyCheck): boolean {
  const master = ring.keys.get(check.keyId)
  return master !== undefined && openFernet(checkKey(master), check.token)?.equals(CHECKED) === true
}
