import { sql } from 'kysely'
import type { Analysis } from '../../domain/index.ts'
import type { Handle } from './handle.ts'

/** What an analysis is kept under. */
export interface AnalysisKey {
  readonly workspaceId: string
  readonly pinned: string
  readonly server: string
  readonly boot: boolean
  readonly model: boolean
  readonly programVersion: string
}

export interface AnalysisRow {
  readonly id: string
  readonly source: string
  readonly pinned: string
  readonly result: Analysis
  readonly duration_ms: number
  readonly created_at: Date
}

const COLUMNS = ['id', 'source', 'pinned', 'result', 'duration_ms', 'created_at'] as const

/** An earlier analysis of just this, by this version of the program. */
export async function recallAnalysis(db: Handle, key: AnalysisKey): Promise<AnalysisRow | null> {
  const row = await db
    .selectFrom('analyses')
    .select(COLUMNS)
    .where('workspace_id', '=', key.workspaceId)
    .where('pinned', '=', key.pinned)
    .where('server', '=', key.server)
    .where('boot', '=', key.boot)
    .where('model', '=', key.model)
    .where('program_version', '=', key.programVersion)
    .executeTakeFirst()
  return row ?? null
}

/** Keeps an analysis in place of an earlier one of the same. */
export async function storeAnalysis(
  db: Handle,
  key: AnalysisKey,
  found: {
    readonly id: string
    readonly source: string
    readonly result: Analysis
    readonly durationMs: number
  },
): Promise<AnalysisRow> {
  const fresh = {
    id: found.id,
    source: found.source,
    source_commit: found.result.source.commit,
    program_version: key.programVersion,
    result: storable(found.result),
    duration_ms: found.durationMs,
  }
  return db
    .insertInto('analyses')
    .values({
      ...fresh,
      workspace_id: key.workspaceId,
      pinned: key.pinned,
      server: key.server,
      boot: key.boot,
      model: key.model,
    })
    .onConflict((conflict) =>
      conflict
        .columns(['workspace_id', 'pinned', 'server', 'boot', 'model'])
        .doUpdateSet({ ...fresh, created_at: sql<Date>`now()` }),
    )
    .returning(COLUMNS)
    .executeTakeFirstOrThrow()
}

export async function findAnalysis(db: Handle, workspaceId: string, id: string): Promise<AnalysisRow | null> {
  const row = await db
    .selectFrom('analyses')
    .select(COLUMNS)
    .where('workspace_id', '=', workspaceId)
    .where('id', '=', id)
    .executeTakeFirst()
  return row ?? null
}

/** Forgets analyses of a source, asked for or pinned; of all without one. Returns how many. */
export async function deleteAnalyses(
  db: Handle,
  workspaceId: string,
  source: string | null,
): Promise<number> {
  let deletion = db.deleteFrom('analyses').where('workspace_id', '=', workspaceId)
  if (source !== null) {
    deletion = deletion.where((row) => row.or([row('source', '=', source), row('pinned', '=', source)]))
  }
  const { numDeletedRows } = await deletion.executeTakeFirst()
  return Number(numDeletedRows)
}

export async function deleteOldAnalyses(db: Handle, days: number): Promise<void> {
  await db
    .deleteFrom('analyses')
    .where('created_at', '<', sql<Date>`now() - make_interval(days => ${days})`)
    .execute()
}

/** NUL and half characters, which a server may put into its descriptions, cannot be stored. */
function storable(analysis: Analysis): string {
  return JSON.stringify(analysis, (_, value: unknown) =>
    typeof value === 'string' ? value.replaceAll('\0', '\u{FFFD}').toWellFormed() : value,
  )
}
