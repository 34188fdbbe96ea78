import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { queries } from '../../db/index.ts'
import { Secret } from '../../domain/index.ts'
import type { KeyCheckStore, Sealer } from '../../vault/index.ts'

const KEY_CHECK = 'vault.key_check'

const Sealed = z.object({ keyId: z.string(), token: z.string() })

/** What the vault asks of the database before it trusts a master key. */
export function keyCheckStore(db: queries.Handle): KeyCheckStore {
  return {
    countByKey: () => queries.countSealedByKey(db),
    readKeyCheck: async () => Sealed.nullable().parse(await queries.readSetting(db, KEY_CHECK)),
    saveKeyCheck: async ({ keyId, token }) => queries.writeSetting(db, KEY_CHECK, { keyId, token }),
  }
}

/** Secrets that the installation makes for itself, by the setting that holds each. */
export type OwnSecret = 'accounts.secret' | 'vault.root'

/**
 * A random secret, made once and kept encrypted, so that a new master key changes nothing that depends on it: neither
 * the sessions of people nor those of MCP clients.
 * @throws CatwalkError `credential_unreadable`
 */
export async function ownSecret(db: queries.Handle, sealer: Sealer, name: OwnSecret): Promise<Secret> {
  const fresh = sealer.encrypt(name, new Secret(randomBytes(32).toString('base64url')))
  const { token, keyId } = Sealed.parse(await queries.settleSetting(db, name, { ...fresh }))
  return sealer.decrypt(name, token, keyId)
}
