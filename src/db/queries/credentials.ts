import type { Handle } from './handle.ts'

export interface CredentialRow {
  readonly id: string
  readonly name: string
  readonly token: string
  readonly key_id: string
}

/** Stores one version of a credential, already encrypted. */
export async function insertCredential(
  db: Handle,
  row: CredentialRow & {
    readonly workspace_id: string
    readonly deployment_id: string
    readonly version: number
  },
): Promise<void> {
  await db.insertInto('credentials').values(row).execute()
}

/** The credentials of a release, in the versions that it was made with. */
export async function credentialsOf(
  db: Handle,
  deploymentId: string,
  versions: Readonly<Record<string, number>>,
): Promise<readonly CredentialRow[]> {
  const rows = await db
    .selectFrom('credentials')
    .select(['id', 'name', 'version', 'token', 'key_id'])
    .where('deployment_id', '=', deploymentId)
    .execute()
  return rows.filter((row) => versions[row.name] === row.version)
}

/** The newest version of each credential of a deployment, by name. */
export async function newestCredentialVersions(
  db: Handle,
  deploymentId: string,
): Promise<ReadonlyMap<string, number>> {
  const rows = await db
    .selectFrom('credentials')
    .select((select) => ['name', select.fn.max('version').as('version')])
    .where('deployment_id', '=', deploymentId)
    .groupBy('name')
    .execute()
  return new Map(rows.map((row) => [row.name, row.version]))
}

/** Deletes every version of every credential of a deployment. */
export async function deleteCredentials(db: Handle, deploymentId: string): Promise<void> {
  await db.deleteFrom('credentials').where('deployment_id', '=', deploymentId).execute()
}
