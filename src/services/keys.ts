import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { queries } from '../db/index.ts'
import { Secret } from '../domain/index.ts'
import type { KeyCheckStore, Vault } from '../vault/index.ts'

const KEY_CHECK = 'vault.key_check'
const ACCOUNTS_SECRET = 'accounts.secret'

const Sealed = z.object({ keyId: z.string(), token: z.string() })

/** What the vault asks of the database before it trusts a master key. */
export function keyCheckStore(db: queries.Handle): KeyCheckStore {
  return {
    hasCiphertext: async () =>
      (await queries.hasCiphertext(db)) || (await queries.readSetting(db, ACCOUNTS_SECRET)) !== null,
    readKeyCheck: async () => Sealed.nullable().parse(await queries.readSetting(db, KEY_CHECK)),
    saveKeyCheck: async ({ keyId, token }) => queries.writeSetting(db, KEY_CHECK, { keyId, token }),
  }
}

/**
 * The secret that signs sessions of people: random, made once, kept encrypted, so that a new master key signs nobody
 * out.
 * @throws CatwalkError `credential_unreadable`
 */
export async function accountsSecret(db: queries.Handle, vault: Vault): Promise<Secret> {
  const fresh = vault.encrypt(ACCOUNTS_SECRET, new Secret(randomBytes(32).toString('base64url')))
  const { token, keyId } = Sealed.parse(await queries.settleSetting(db, ACCOUNTS_SECRET, { ...fresh }))
  return vault.decrypt(ACCOUNTS_SECRET, token, keyId)
}
