import type { queries } from '../db/index.ts'
import type { Secret } from '../domain/index.ts'
import type { Vault } from '../vault/index.ts'

/** The name under which a credential's value is encrypted, so that its ciphertext opens nowhere else. */
export function credentialScope(credentialId: string): string {
  return `credential/${credentialId}`
}

/**
 * Decrypts the values of a release, name → value. Called only to start an instance.
 * @throws CatwalkError `credential_unreadable`
 */
export function openCredentials(
  vault: Vault,
  rows: readonly queries.CredentialRow[],
): ReadonlyMap<string, Secret> {
  return new Map(rows.map((row) => [row.name, vault.decrypt(credentialScope(row.id), row.token, row.key_id)]))
}
