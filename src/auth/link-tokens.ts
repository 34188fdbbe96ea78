import { createHash, randomBytes } from 'node:crypto'

/** A secret that travels in the fragment of a link, and what is stored of it. */
export function newLinkToken(): { token: string; hash: Buffer } {
  const token = randomBytes(32).toString('base64url')
  return { token, hash: hashLinkToken(token) }
}

/** A token has 256 random bits, so comparing hashes tells an attacker nothing by its timing. */
export function hashLinkToken(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
