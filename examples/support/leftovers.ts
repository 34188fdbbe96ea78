import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { sql } from 'kysely'
import { openDatabase, type Database } from '../../src/db/index.ts'
import { silentLogger } from '../../test/support/logger.ts'
import type { Program } from '../../test/support/program.ts'

/**
 * What deleted deployments have left behind besides installed packages: processes, files, rows of the database. Stops
 * the program, because only then the database can be looked into.
 */
export async function findLeftovers(program: Program): Promise<readonly string[]> {
  const servers = (await processesOf(program.dataDir)).filter(({ sandboxed }) => sandboxed)
  const files = await Promise.all(
    ['deployments', 'tmp'].map(async (name) =>
      (await readdir(join(program.dataDir, name))).map((entry) => `file ${name}/${entry}`),
    ),
  )
  await program.stop()
  const processes = await processesOf(program.dataDir)
  return [
    ...servers.map(({ pid, command }) => `server process ${pid} while the program ran: ${command}`),
    ...processes.map(({ pid, command }) => `process ${pid} after the program ended: ${command}`),
    ...files.flat(),
    ...(await rowsOfDeployments(program.dataDir)),
  ]
}

interface Process {
  readonly pid: string
  readonly command: string
  /** Whether it lives in a file system of its own that shows parts of the data directory. */
  readonly sandboxed: boolean
}

/** The processes that name the data directory or have it mounted, whoever their parent is by now. */
async function processesOf(dataDir: string): Promise<readonly Process[]> {
  // Elsewhere than on Linux there is no sandbox either.
  if (process.platform !== 'linux') return []
  const name = basename(dataDir)
  const pids = (await readdir('/proc')).filter(
    (entry) => /^\d+$/.test(entry) && entry !== String(process.pid),
  )
  const found = await Promise.all(
    pids.map(async (pid) => {
      // A process may end while it is looked at.
      const read = (file: string) => readFile(join('/proc', pid, file), 'utf8').catch(() => '')
      const [command, mounts] = await Promise.all([read('cmdline'), read('mountinfo')])
      return { pid, command: command.replaceAll('\0', ' ').trim(), sandboxed: mounts.includes(name) }
    }),
  )
  return found.filter(({ command, sandboxed }) => sandboxed || command.includes(name))
}

async function rowsOfDeployments(dataDir: string): Promise<readonly string[]> {
  const options = { url: null, dataDir, logger: silentLogger, poolSize: 1 }
  await using database = await openDatabase(options, new AbortController().signal)
  const tables = await tablesOfDeployments(database)
  const counts = await Promise.all(
    ['deployments', ...tables].map(async (table) => {
      const { rows } = await sql<{ count: string }>`select count(*) from ${sql.table(table)}`.execute(
        database.kysely,
      )
      return { table, count: Number(rows[0]?.count) }
    }),
  )
  return counts.filter(({ count }) => count !== 0).map(({ table, count }) => `${count} rows in ${table}`)
}

async function tablesOfDeployments(database: Database): Promise<readonly string[]> {
  const { rows } = await sql<{ table_name: string }>`
    select table_name from information_schema.columns
    where table_schema = current_schema() and column_name = 'deployment_id'`.execute(database.kysely)
  return rows.map((row) => row.table_name)
}
