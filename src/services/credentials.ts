import { queries } from '../db/index.ts'
import { CatwalkError, newId, Secret } from '../domain/index.ts'
import type { Vault } from '../vault/index.ts'

/** The name under which a credential's value is encrypted, so that its ciphertext opens nowhere else. */
export function credentialScope(credentialId: string): string {
  return `credential/${credentialId}`
}

/** The same for a value that one person has brought. */
export function personalCredentialScope(credentialId: string): string {
  return `personal credential/${credentialId}`
}

/**
 * Encrypts and stores what a person brings for a deployment (null: what everybody's account gives), each value in place of
 * the former one.
 * @param renewed it came by renewing a token
 */
export async function storePersonalCredentials(
  tx: queries.Handle,
  vault: Vault,
  owner: { readonly workspaceId: string; readonly deploymentId: string; readonly person: string | null },
  values: readonly (readonly [name: string, value: string])[],
  renewed = false,
): Promise<void> {
  for (const [name, value] of values) {
    const id = newId('personalCredential')
    const { token, keyId } = vault.encrypt(personalCredentialScope(id), new Secret(value))
    await queries.putPersonalCredential(tx, {
      id,
      workspace_id: owner.workspaceId,
      deployment_id: owner.deploymentId,
      user_id: owner.person,
      renewed,
      name,
      token,
      key_id: keyId,
    })
  }
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
  return new Map(rows.map((row) => [row.name, open(vault, credentialScope(row.id), row)]))
}

/**
 * The same for what a person has brought. Called only to start a process for that person.
 * @throws CatwalkError `credential_unreadable`
 */
export function openPersonalCredentials(
  vault: Vault,
  rows: readonly queries.CredentialRow[],
): ReadonlyMap<string, Secret> {
  return new Map(rows.map((row) => [row.name, open(vault, personalCredentialScope(row.id), row)]))
}

/** The vault knows rows; people know names. */
function open(vault: Vault, scope: string, row: queries.CredentialRow): Secret {
  try {
    return vault.decrypt(scope, row.token, row.key_id)
  } catch (error) {
    if (!(error instanceof CatwalkError) || error.code !== 'credential_unreadable') throw error
    throw new CatwalkError(error.code, `The credential ${row.name} cannot be opened. ${error.message}`, {
      details: { name: row.name, credential: row.id },
    })
  }
}
