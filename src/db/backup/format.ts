import { createHash, type Hash } from 'node:crypto'
import { z } from 'zod'
import { CatwalkError } from '../../domain/index.ts'

/*
 * A backup is gzip of lines. The first is the header; then, for each table, a line that names it, its rows as
 * PostgreSQL's COPY writes them as text, and the line `\.` which no row can be; the last line is the summary.
 */

export const Header = z.object({
  catwalkBackup: z.literal(1),
  createdAt: z.string(),
  /** Names of the migrations that the schema had. */
  migrations: z.array(z.string()),
})
export type Header = z.infer<typeof Header>

export const TableStart = z.object({ table: z.string(), columns: z.array(z.string()).min(1) })
export type TableStart = z.infer<typeof TableStart>

export const Summary = z.object({
  /** Rows and SHA-256 of the rows of each table. */
  tables: z.record(z.string(), z.object({ rows: z.number().int(), sha256: z.string() })),
  /** Where each sequence stands. */
  sequences: z.record(z.string(), z.object({ value: z.string(), isCalled: z.boolean() })),
})
export type Summary = z.infer<typeof Summary>

export const END_OF_ROWS = '\\.'

/** What was backed up or restored. */
export interface BackupReport {
  readonly createdAt: string
  readonly tables: Summary['tables']
  readonly rows: number
}

export function report({ createdAt }: Header, { tables }: Summary): BackupReport {
  return { createdAt, tables, rows: Object.values(tables).reduce((sum, { rows }) => sum + rows, 0) }
}

/** Counts and hashes the rows of one table; both ways must agree. */
export interface RowTally {
  add(bytes: Uint8Array, rows: number): void
  result(): { readonly rows: number; readonly sha256: string }
}

export function createTally(): RowTally {
  const hash: Hash = createHash('sha256')
  let rows = 0
  return {
    add(bytes, more) {
      hash.update(bytes)
      rows += more
    },
    result: () => ({ rows, sha256: hash.digest('hex') }),
  }
}

/**
 * A line that is one of ours.
 * @throws CatwalkError `backup_invalid`
 */
export function readLine<T>(schema: z.ZodType<T>, line: Buffer | null): T {
  if (line === null) throw invalid('It ends too early.')
  try {
    return schema.parse(JSON.parse(line.toString()))
  } catch (cause) {
    throw invalid('It is damaged, or no backup of Catwalk.', cause)
  }
}

export function invalid(message: string, cause?: unknown): CatwalkError {
  return new CatwalkError('backup_invalid', message, { cause })
}
