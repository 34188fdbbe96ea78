import type { queries } from '../db/index.ts'
import { CatwalkError, type Secret } from '../domain/index.ts'
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
  return new Map(rows.map((row) => [row.name, open(vault, row)]))
}

/** The vault knows rows; people know names. */
function open(vault: Vault, row: queries.CredentialRow): Secret {
  try {
    return vault.decrypt(credentialScope(row.id), row.token, row.key_id)
  } catch (error) {
    if (!(error instanceof CatwalkError) || error.code !== 'credential_unreadable') throw error
    throw new CatwalkError(error.code, `The credential ${row.name} cannot be opened. ${error.message}`, {
      details: { name: row.name, credential: row.id },
    })
  }
}
