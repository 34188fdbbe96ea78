import { chmod, open, readFile, rename } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname, join } from 'node:path'
import type { Kysely } from 'kysely'
import { queries, type DB } from '../db/index.ts'
import type { Secret } from '../domain/index.ts'
import { actorOfApiKey, insertApiKey } from './api-keys.ts'
import { programActor } from './program-actor.ts'

export interface LocalKeyOptions {
  readonly database: Kysely<DB>
  readonly dataDir: string
  readonly workspaceId: string
}

/**
 * The API key of the CLI on this machine: `cli.key` (mode 0600) in the data directory, the key and a newline. Makes it
 * anew when the file is missing or the database does not know the key, for instance after a restore.
 */
export async function ensureLocalKey(options: LocalKeyOptions): Promise<void> {
  const { database, dataDir, workspaceId } = options
  const path = join(dataDir, 'cli.key')
  const present = await readKey(path)
  if (present !== null && (await actorOfApiKey(database, present, null)) !== null) {
    await chmod(path, 0o600)
    return
  }
  // Replicas share the database but not this directory, so the name tells their keys apart.
  const name = `Command line on ${hostname()} (${dataDir})`
  await database.transaction().execute(async (tx) => {
    await tx
      .deleteFrom('api_keys')
      .where('workspace_id', '=', workspaceId)
      .where('name', '=', name)
      .where('created_by', '=', programActor(workspaceId).id)
      .execute()
    const actor = programActor(workspaceId)
    const { id, key } = await insertApiKey(tx, {
      workspaceId,
      name,
      role: 'owner',
      createdBy: actor.id,
      isInstallationAdmin: true,
    })
    await queries.recordAudit(tx, {
      actor,
      action: 'api_key.create',
      target: id,
      detail: { name, role: 'owner' },
    })
    // Before the commit: a crash in between leaves a file that the database does not know, which the next start mends.
    await writeKey(path, key)
  })
}

async function readKey(path: string): Promise<string | null> {
  try {
    return (await readFile(path, 'utf8')).trim()
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
}

async function writeKey(path: string, key: Secret): Promise<void> {
  const draft = `${path}.new`
  // An older draft may have another mode, which opening would keep.
  const file = await open(draft, 'w', 0o600)
  try {
    await file.chmod(0o600)
    await file.writeFile(`${key.reveal()}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(draft, path)
  const directory = await open(dirname(path), 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
