import { Secret } from '../../src/domain/index.ts'
import { createSealer, createVault, parseKeyRing, type Vault } from '../../src/vault/index.ts'

/** A vault with a key of its own. */
export function testVault(): Vault {
  const ring = parseKeyRing(Buffer.alloc(32, 7).toString('base64'), 'the test')
  return createVault(
    createSealer(() => ring),
    new Secret('the root secret of the test'),
  )
}
