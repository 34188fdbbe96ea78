import type { Handle } from './handle.ts'

export interface WorkspaceSettingRow {
  readonly id: string
  readonly name: string
  readonly token: string
  readonly key_id: string
  readonly masked: string
  readonly account: string | null
  readonly checked_at: Date
}

/** What a workspace has set. */
export async function listWorkspaceSettings(
  db: Handle,
  workspaceId: string,
): Promise<readonly WorkspaceSettingRow[]> {
  return db
    .selectFrom('workspace_settings')
    .select(['id', 'name', 'token', 'key_id', 'masked', 'account', 'checked_at'])
    .where('workspace_id', '=', workspaceId)
    .orderBy('name')
    .execute()
}

/** Puts rows in the place of those of the same name. */
export async function replaceWorkspaceSettings(
  db: Handle,
  workspaceId: string,
  rows: readonly Omit<WorkspaceSettingRow, 'checked_at'>[],
): Promise<void> {
  if (rows.length === 0) return
  await deleteWorkspaceSettings(
    db,
    workspaceId,
    rows.map(({ name }) => name),
  )
  await db
    .insertInto('workspace_settings')
    .values(rows.map((row) => ({ ...row, workspace_id: workspaceId })))
    .execute()
}

export async function deleteWorkspaceSettings(
  db: Handle,
  workspaceId: string,
  names: readonly string[],
): Promise<void> {
  if (names.length === 0) return
  await db
    .deleteFrom('workspace_settings')
    .where('workspace_id', '=', workspaceId)
    .where('name', 'in', [...names])
    .execute()
}
