import type { RouteInput, RouteOutput } from '../../contract/index.ts'
import { cleanLine, toJson } from '../clean-text.ts'
import type { CommandContext, CommonOptions } from '../context.ts'
import { EXIT, type ExitCode } from '../exit-codes.ts'
import { formatTable } from '../table.ts'

export interface AuditOptions extends CommonOptions {
  readonly action?: string
  readonly actor?: string
  readonly target?: string
  readonly outcome?: 'done' | 'refused' | 'failed'
  readonly since?: string
  readonly until?: string
  readonly lines: number
}

type Entry = RouteOutput<'listAudit'>['items'][number]
type Query = NonNullable<RouteInput<'listAudit'>['query']>

const PAGE = 500

export async function listAudit(context: CommandContext, options: AuditOptions): Promise<void> {
  const { output } = context
  const { items } = await context.call('listAudit', { query: { ...filterOf(options), limit: options.lines } })
  output.result(items, () =>
    items.length === 0
      ? ''
      : formatTable(
          output,
          ['TIME', 'ACTOR', 'ACTION', 'TARGET', 'OUTCOME', 'ADDRESS'],
          items.map((entry) =>
            [
              entry.at.slice(0, 19),
              entry.actor.label,
              entry.action,
              entry.target ?? '-',
              entry.outcome,
              entry.address ?? '-',
            ].map(cleanLine),
          ),
        ),
  )
}

/** Every entry that fits, newest first, one JSON object a line. */
export async function exportAudit(context: CommandContext, options: AuditOptions): Promise<void> {
  let before: string | undefined
  for (;;) {
    const page: readonly Entry[] = (
      await context.call('listAudit', { query: { ...filterOf(options), limit: PAGE, before } })
    ).items
    for (const entry of page) context.output.line(toJson(entry).replaceAll(/\n */g, ''))
    before = page.at(-1)?.id
    if (page.length < PAGE) return
  }
}

export async function verifyAudit(context: CommandContext): Promise<ExitCode> {
  const verification = await context.call('verifyAudit', {}, 600_000)
  context.output.result(verification, () => sentence(verification))
  return verification.ok ? EXIT.ok : EXIT.failed
}

function sentence({ ok, entries, head, problem }: RouteOutput<'verifyAudit'>): string {
  if (ok) return `The chain holds: ${entries} entries, ending in ${head ?? ''}.`
  const what = { missing: 'is missing', moved: 'does not follow the one before', changed: 'was changed' }
  const at = problem === null ? '' : ` Entry ${problem.seq} ${what[problem.what]}.`
  return `The chain is broken after ${entries} entries.${at}`
}

function filterOf({ action, actor, target, outcome, since, until }: AuditOptions): Query {
  return { action, actor, target, outcome, from: since, to: until }
}
