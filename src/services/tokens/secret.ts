import { createHash, randomBytes } from 'node:crypto'

/** SHA-256 of a bearer secret. The secret has 256 random bits, so a slow hash would protect nothing more. */
function hashSecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}

/** A new endpoint token, with what is stored of it. */
export function newEndpointSecret(): { secret: string; hash: Buffer; prefix: string } {
  const secret = `cwt_${randomBytes(32).toString('base64url')}`
  return { secret, hash: hashSecret(secret), prefix: secret.slice(0, 10) }
}
