import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

/** One `migrations/0001_name.sql`. */
export interface Migration {
  /** File name without `.sql`; it sorts in the order of application. */
  readonly name: string
  readonly sql: string
  /** SHA-256 of the file, hexadecimal. */
  readonly checksum: string
}

/** Where this program's migrations are. */
export const MIGRATIONS_DIRECTORY = fileURLToPath(new URL('../../../migrations/', import.meta.url))

/** All migrations in order. Throws for a file that is named otherwise and for a number that is used twice. */
export async function readMigrations(directory: string): Promise<readonly Migration[]> {
  const files = (await readdir(directory)).filter((file) => file.endsWith('.sql')).toSorted()
  const numbers = new Set<string>()
  return Promise.all(
    files.map(async (file) => {
      const number = /^(\d{4})_[a-z0-9_]+\.sql$/.exec(file)?.[1]
      if (number === undefined) throw new Error(`${file} is not named like 0001_first.sql`)
      if (numbers.has(number)) throw new Error(`two migrations have the number ${number}`)
      numbers.add(number)
      const sql = await readFile(path.join(directory, file), 'utf8')
      return {
        name: file.slice(0, -'.sql'.length),
        sql,
        checksum: createHash('sha256').update(sql).digest('hex'),
      }
    }),
  )
}
