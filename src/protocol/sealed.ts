import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'

const CIPHER = 'aes-256-gcm'
const VERSION = 1
const NONCE_BYTES = 12
const TAG_BYTES = 16

export interface Sealer {
  /** Text of letters, digits, `-` and `_` that only the same key and purpose open again. */
  seal(content: Buffer): string
  /** The content, or undefined for anything that {@link Sealer.seal} with this key and purpose did not make. */
  open(sealed: string): Buffer | undefined
}

/**
 * Authenticated encryption (AES-256-GCM) for what we hand to clients and get back.
 * @param key 32 bytes
 * @param purpose keeps what was sealed for one use from being opened as another; each has its own derived key
 */
export function createSealer(key: Buffer, purpose: string): Sealer {
  if (key.length !== 32) throw new RangeError('A seal key has 32 bytes.')
  const derived = Buffer.from(hkdfSync('sha256', key, Buffer.alloc(0), `catwalk ${purpose}`, 32))
  return {
    seal(content) {
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv(CIPHER, derived, nonce)
      const body = Buffer.concat([cipher.update(content), cipher.final()])
      return Buffer.concat([Buffer.of(VERSION), nonce, body, cipher.getAuthTag()]).toString('base64url')
    },
    open(sealed) {
      const bytes = Buffer.from(sealed, 'base64url')
      // Decoding is lenient; only the one spelling that we give out is accepted.
      if (bytes.length < 1 + NONCE_BYTES + TAG_BYTES || bytes[0] !== VERSION) return undefined
      if (bytes.toString('base64url') !== sealed) return undefined
      const decipher = createDecipheriv(CIPHER, derived, bytes.subarray(1, 1 + NONCE_BYTES))
      decipher.setAuthTag(bytes.subarray(-TAG_BYTES))
      try {
        return Buffer.concat([decipher.update(bytes.subarray(1 + NONCE_BYTES, -TAG_BYTES)), decipher.final()])
      } catch {
        return undefined
      }
    },
  }
}
