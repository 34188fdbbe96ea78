import { createVault, parseKeyRing, type Vault } from '../../src/vault/index.ts'

/** A vault with a key of its own. */
export function testVault(): Vault {
  return createVault(parseKeyRing(Buffer.alloc(32, 7).toString('base64'), 'the test'))
}
