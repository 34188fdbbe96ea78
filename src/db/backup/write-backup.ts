import { once } from 'node:events'
import type { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import type { Client } from 'pg'
import { to as copyTo } from 'pg-copy-streams'
import { createTally, END_OF_ROWS, report, type BackupReport, type Header, type Summary } from './format.ts'
import { appliedMigrations, listSequences, listTables, type Table } from './tables.ts'

const LF = 0x0a

/**
 * Writes all that the installation keeps, as it is at one moment, while everything goes on.
 * @param output gets the compressed backup and is ended
 */
export async function writeBackup(
  client: Client,
  output: Writable,
  signal: AbortSignal,
): Promise<BackupReport> {
  const gzip = createGzip()
  const written = pipeline(gzip, output, { signal })
  // Awaited at the end; a failure before that ends the writes below as well.
  written.catch(() => undefined)
  await client.query('begin isolation level repeatable read read only')
  try {
    const header: Header = {
      catwalkBackup: 1,
      createdAt: new Date().toISOString(),
      migrations: [...(await appliedMigrations(client))],
    }
    const summary: Summary = { tables: {}, sequences: Object.fromEntries(await listSequences(client)) }
    await write(gzip, `${JSON.stringify(header)}\n`, signal)
    for (const table of await listTables(client)) {
      summary.tables[table.name] = await writeTable(client, table, gzip, signal)
    }
    gzip.end(`${JSON.stringify(summary)}\n`)
    await written
    return report(header, summary)
  } catch (error) {
    gzip.destroy()
    // What broke the output says more than what was then written in vain.
    await written
    throw error
  } finally {
    await client.query('rollback')
  }
}

async function writeTable(
  client: Client,
  { name, columns }: Table,
  output: Writable,
  signal: AbortSignal,
): Promise<Summary['tables'][string]> {
  await write(output, `${JSON.stringify({ table: name, columns })}\n`, signal)
  const tally = createTally()
  const list = columns.map((column) => client.escapeIdentifier(column)).join(', ')
  const rows = client.query(copyTo(`copy ${client.escapeIdentifier(name)} (${list}) to stdout`))
  // The driver's stream is one of buffers.
  for await (const chunk of rows as AsyncIterable<Buffer>) {
    tally.add(chunk, countLines(chunk))
    await write(output, chunk, signal)
  }
  await write(output, `${END_OF_ROWS}\n`, signal)
  return tally.result()
}

function countLines(chunk: Buffer): number {
  let lines = 0
  for (let at = chunk.indexOf(LF); at !== -1; at = chunk.indexOf(LF, at + 1)) lines++
  return lines
}

async function write(output: Writable, bytes: Buffer | string, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  if (!output.write(bytes)) await once(output, 'drain', { signal })
}
