import { createCipheriv, createDecipheriv, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

// https://github.com/fernet/spec: Version ‖ Timestamp ‖ IV ‖ Ciphertext ‖ HMAC, in padded base64url.
const VERSION = 0x80
const HEADER_BYTES = 9
const IV_BYTES = 16
const BLOCK_BYTES = 16
const HMAC_BYTES = 32
/** How far in the future a token's time may be, where its age matters. */
const CLOCK_SKEW_S = 60

/** Signing key (16 bytes), then encryption key (16 bytes). */
export type FernetKey = Buffer

export const FERNET_KEY_BYTES = 32

/** Makes a token. The IV is chosen at random, unless a test repeats a published one. */
export function sealFernet(key: FernetKey, message: Buffer, now: Date, iv = randomBytes(IV_BYTES)): string {
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeUInt8(VERSION, 0)
  header.writeBigUInt64BE(BigInt(Math.floor(now.getTime() / 1000)), 1)
  const cipher = createCipheriv('aes-128-cbc', encryptionKey(key), iv)
  const signed = Buffer.concat([header, iv, cipher.update(message), cipher.final()])
  return toBase64(Buffer.concat([signed, sign(key, signed)]))
}

/**
 * The message of a token, or null when the token is not genuine in whatever way: the reason would only help who
 * forges one. With `age`, a token that is older or from the future is not genuine either.
 */
export function openFernet(
  key: FernetKey,
  token: string,
  age?: { readonly now: Date; readonly maximumS: number },
): Buffer | null {
  const bytes = fromBase64(token)
  if (bytes === null) return null
  const ciphertextBytes = bytes.length - HEADER_BYTES - IV_BYTES - HMAC_BYTES
  if (ciphertextBytes < BLOCK_BYTES || ciphertextBytes % BLOCK_BYTES !== 0) return null
  if (bytes.readUInt8(0) !== VERSION) return null
  const signed = bytes.subarray(0, -HMAC_BYTES)
  if (!timingSafeEqual(sign(key, signed), bytes.subarray(-HMAC_BYTES))) return null
  if (age !== undefined && !isFresh(Number(bytes.readBigUInt64BE(1)), age)) return null
  return decipher(key, signed)
}

function decipher(key: FernetKey, signed: Buffer): Buffer | null {
  const iv = signed.subarray(HEADER_BYTES, HEADER_BYTES + IV_BYTES)
  const decoder = createDecipheriv('aes-128-cbc', encryptionKey(key), iv)
  try {
    return Buffer.concat([decoder.update(signed.subarray(HEADER_BYTES + IV_BYTES)), decoder.final()])
  } catch {
    // Wrong padding: signed with the right key, but not made as the specification says.
    return null
  }
}

function isFresh(madeAtS: number, age: { readonly now: Date; readonly maximumS: number }): boolean {
  const nowS = Math.floor(age.now.getTime() / 1000)
  return madeAtS + age.maximumS >= nowS && madeAtS <= nowS + CLOCK_SKEW_S
}

function sign(key: FernetKey, signed: Buffer): Buffer {
  return createHmac('sha256', key.subarray(0, 16)).update(signed).digest()
}

function encryptionKey(key: FernetKey): Buffer {
  return key.subarray(16, FERNET_KEY_BYTES)
}

/** Base64url with padding, as the specification's tokens and keys have it. */
export function toBase64(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('+', '-').replaceAll('/', '_')
}

/** The bytes, or null for any text that is not exactly what {@link toBase64} writes: Node alone skips what it does not know. */
export function fromBase64(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64url')
  return toBase64(bytes) === text ? bytes : null
}
