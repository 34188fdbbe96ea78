import { queries } from '../../db/index.ts'
import { WORKSPACE_SETTINGS, type WorkspaceSetting, type WorkspaceValues } from '../../domain/index.ts'
import type { Vault } from '../../vault/index.ts'

/** The name under which a value is encrypted, so that its ciphertext opens nowhere else. */
export function workspaceSettingScope(id: string): string {
  return `workspace-setting/${id}`
}

/**
 * The keys and tokens of one workspace, decrypted; asked for when they are used, so that a change counts at once.
 * @throws CatwalkError `credential_unreadable`
 */
export async function openWorkspaceSettings(
  db: queries.Handle,
  vault: Vault,
  workspaceId: string,
): Promise<WorkspaceValues> {
  const rows = await queries.listWorkspaceSettings(db, workspaceId)
  return new Map(
    rows.flatMap(({ id, name, token, key_id: keyId }) => {
      const known = settingOf(name)
      return known === null ? [] : [[known, vault.decrypt(workspaceSettingScope(id), token, keyId)]]
    }),
  )
}

/** Null for one that this version does not know. */
export function settingOf(name: string): WorkspaceSetting | null {
  return WORKSPACE_SETTINGS.find((known) => known === name) ?? null
}
