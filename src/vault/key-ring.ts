import { hkdfSync, randomBytes } from 'node:crypto'
import { CatwalkError } from '../domain/index.ts'
import { FERNET_KEY_BYTES, fromBase64, toBase64 } from './fernet.ts'

/** One master key. Nothing is encrypted with it; keys for each purpose are derived from it. */
export interface MasterKey {
  /** Tells keys apart without telling anything of them, e.g. `k3f9a0c1d2e4b`. */
  readonly id: string
  readonly bytes: Buffer
}

/** All master keys, the newest first. New data goes under the newest; the others only open what they closed. */
export interface KeyRing {
  readonly newest: MasterKey
  readonly keys: ReadonlyMap<string, MasterKey>
}

/** A new key as text: 32 random bytes in base64url. */
export function newMasterKey(): string {
  return toBase64(randomBytes(FERNET_KEY_BYTES))
}

/**
 * Reads keys, the newest first, separated by commas or line ends.
 * @param origin where they are from, for the message
 * @throws CatwalkError `config_invalid`; the message tells which one, not what it holds
 */
export function parseKeyRing(text: string, origin: string): KeyRing {
  const words = text.split(/[\s,]+/).filter((word) => word !== '')
  const keys = words.map((word, index) => masterKey(parseKey(word, index, origin)))
  const [newest] = keys
  if (newest === undefined) throw invalid(`${origin} holds no key`)
  return { newest, keys: new Map(keys.map((key) => [key.id, key])) }
}

function parseKey(word: string, index: number, origin: string): Buffer {
  // Both alphabets and no padding are accepted, because other tools make keys too.
  const canonical = word.replaceAll('+', '-').replaceAll('/', '_').replace(/=*$/, '')
  const bytes = fromBase64(canonical.padEnd(Math.ceil(canonical.length / 4) * 4, '='))
  if (bytes?.length !== FERNET_KEY_BYTES) {
    throw invalid(`Key ${index + 1} in ${origin} is not ${FERNET_KEY_BYTES} bytes in base64`)
  }
  return bytes
}

function masterKey(bytes: Buffer): MasterKey {
  return { id: `k${deriveBytes(bytes, 'key id', 6).toString('hex')}`, bytes }
}

/** HKDF-SHA256 (RFC 5869) of a master key for one purpose. */
export function deriveBytes(master: Buffer, purpose: string, bytes: number): Buffer {
  return Buffer.from(hkdfSync('sha256', master, Buffer.alloc(0), `catwalk ${purpose}`, bytes))
}

function invalid(reason: string): CatwalkError {
  return new CatwalkError('config_invalid', `${reason}.`, {
    help: 'Make a key with: openssl rand -base64 32',
    details: { field: 'CATWALK_MASTER_KEY' },
  })
}
