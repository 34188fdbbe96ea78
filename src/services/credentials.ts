import { queries } from '../db/index.ts'
import { CatwalkError, newId, Secret } from '../domain/index.ts'
import type { Vault } from '../vault/index.ts'

/** The name under which a credential's value is encrypted, so that its ciphertext opens nowhere else. */
export function credentialScope(credentialId: string): string {
  return `credential/${credentialId}`
}

/**
 * Encrypts and stores new values of a deployment's variables, each as the next version of its credential.
 * @returns variable → version
 */
export async function storeCredentials(
  tx: queries.Handle,
  vault: Vault,
  owner: { readonly workspaceId: string; readonly deploymentId: string },
  values: readonly (readonly [name: string, value: string])[],
): Promise<Readonly<Record<string, number>>> {
  const newest = await queries.newestCredentialVersions(tx, owner.deploymentId)
  const versions: Record<string, number> = {}
  for (const [name, value] of values) {
    const id = newId('credential')
    const { token, keyId } = vault.encrypt(credentialScope(id), new Secret(value))
    const version = (newest.get(name) ?? 0) + 1
    await queries.insertCredential(tx, {
      id,
      workspace_id: owner.workspaceId,
      deployment_id: owner.deploymentId,
      name,
      version,
      token,
      key_id: keyId,
    })
    versions[name] = version
  }
  return versions
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
