import { useQuery } from '@tanstack/react-query'
import { changesQuery } from '../../api/queries.ts'
import type { ReleaseChanges } from '../../api/client.ts'
import { ErrorNote } from '../../kit/error-note.tsx'
import { Skeleton } from '../../kit/skeleton.tsx'

interface ChangesProps {
  readonly id: string
  readonly number: number
  readonly since: number
}

/** How a release differs from an earlier one. */
export function Changes({ id, number, since }: ChangesProps) {
  const { data: changes, error, refetch } = useQuery(changesQuery(id, number, since))
  if (error) return <ErrorNote error={error} onRetry={() => void refetch()} />
  if (changes === undefined) return <Skeleton width={20} />
  const rows = rowsOf(changes)
  if (rows.length === 0) return <p className="dim">Nothing differs from v{since}.</p>
  return <ChangeList rows={rows} />
}

/** What came, went or changed, a line each. */
export function ChangeList({ rows }: { readonly rows: readonly Row[] }) {
  return (
    <ul className="changes">
      {rows.map(({ sign, text }) => (
        <li key={`${sign} ${text}`} className={SIGNS[sign].className}>
          <span aria-hidden="true">{sign}</span>
          <span className="sr">{SIGNS[sign].word} </span>
          {text}
        </li>
      ))}
    </ul>
  )
}

type Sign = '+' | '−' | '~'

const SIGNS: Readonly<Record<Sign, { className: string; word: string }>> = {
  '+': { className: 'running', word: 'Added:' },
  '−': { className: 'failed', word: 'Removed:' },
  '~': { className: 'unhealthy', word: 'Changed:' },
}

interface Row {
  readonly sign: Sign
  readonly text: string
}

const SETTINGS: Readonly<Record<string, string>> = {
  network: 'Network',
  runtime: 'Runs on',
  memoryMiB: 'Memory in MiB',
  allowScripts: 'Install scripts allowed',
}

function rowsOf(changes: ReleaseChanges): readonly Row[] {
  const { args, tools } = changes
  return [
    ...pair('Package', changes.package),
    ...pair('Arguments', args && { from: args.from.join(' '), to: args.to.join(' ') }),
    ...changes.settings.flatMap(({ name, from, to }) =>
      pair(SETTINGS[name] ?? name, { from: String(from), to: String(to) }),
    ),
    ...rowsOfNames('Variable', changes.variables),
    ...rowsOfNames(
      'Tool',
      tools && {
        ...tools,
        changed: tools.changed.map(({ name, members }) => `${name}: ${members.join(', ')}`),
      },
    ),
    ...rowsOfNames('Resource', changes.resources),
    ...rowsOfNames('Prompt', changes.prompts),
  ]
}

function pair(what: string, change: { from: string; to: string } | null): Row[] {
  return change === null
    ? []
    : [{ sign: '~', text: `${what}: ${change.from || 'none'} → ${change.to || 'none'}` }]
}

export function rowsOfNames(what: string, changes: ReleaseChanges['variables']): Row[] {
  if (changes === null) return []
  const rows = (sign: Sign, list: readonly string[]) =>
    list.map((name) => ({ sign, text: `${what} ${name}` }))
  return [...rows('+', changes.added), ...rows('−', changes.removed), ...rows('~', changes.changed)]
}
