import type { Readable } from 'node:stream'
import type { Client } from 'pg'
import { CatwalkError, type Logger } from '../../domain/index.ts'
import type { Connectable } from '../connect.ts'
import { MIGRATIONS_DIRECTORY, readMigrations } from '../migrate/files.ts'
import { migrate } from '../migrate/migrate.ts'
import { withClient } from './client.ts'
import type { BackupReport } from './format.ts'
import { readBackup } from './read-backup.ts'

/**
 * Fills a database that was never used: makes the schema that the backup was taken from, reads the rows, and brings the
 * schema up to date.
 * @throws CatwalkError `backup_invalid`, `restore_not_empty`, `database_newer`, `migration_failed`
 */
export async function restoreInto(
  connection: Connectable,
  input: Readable,
  logger: Logger,
  signal: AbortSignal,
): Promise<BackupReport> {
  const known = await readMigrations(MIGRATIONS_DIRECTORY)
  const restored = await withClient(connection, (client) =>
    readBackup(client, input, {
      signal,
      async prepare(names) {
        const unknown = names.find((name) => !known.some((migration) => migration.name === name))
        if (unknown !== undefined) {
          throw new CatwalkError(
            'database_newer',
            `The backup has migration ${unknown}, which this version of Catwalk does not know.`,
          )
        }
        if (await isSetUp(client)) return
        const wanted = known.filter(({ name }) => names.includes(name))
        await migrate(connection.client, wanted, logger, signal)
      },
    }),
  )
  await migrate(connection.client, known, logger, signal)
  return restored
}

async function isSetUp(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ found: boolean }>(
    `select to_regclass('schema_migrations') is not null as found`,
  )
  return rows[0]?.found === true
}
