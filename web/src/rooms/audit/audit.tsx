import { useInfiniteQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Search } from 'lucide-react'
import type { AuditEntry } from '../../api/client.ts'
import { auditQuery, type AuditFilter } from '../../api/queries.ts'
import { Page } from '../../app/page.tsx'
import { Ago } from '../../kit/ago.tsx'
import { Badge } from '../../kit/badge.tsx'
import { Button } from '../../kit/button.tsx'
import { Empty } from '../../kit/empty.tsx'
import { Input } from '../../kit/field.tsx'
import { PageHead } from '../../kit/page-head.tsx'
import { Segmented } from '../../kit/segmented.tsx'
import { Unloaded } from '../../kit/unloaded.tsx'
import '../../kit/filters.css'
import '../../kit/table.css'
import '../../kit/record.css'

const OUTCOMES = [
  { value: 'all', label: 'All' },
  { value: 'done', label: 'Done' },
  { value: 'refused', label: 'Refused' },
  { value: 'failed', label: 'Failed' },
] as const

/** Who did what in this workspace. */
export function AuditRoom() {
  const search = useSearch({ from: '/house/audit' })
  const navigate = useNavigate({ from: '/audit' })
  const filter: AuditFilter = {
    actor: search.actor,
    action: search.action,
    outcome: outcomeOf(search.outcome),
  }
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery(
    auditQuery(filter),
  )
  const narrow = (next: Partial<typeof search>) =>
    void navigate({
      search: { ...search, ...next },
      replace: true,
    })
  const entries = data?.pages.flat()
  return (
    <Page title="Audit log">
      <PageHead title="Audit log" lead="Who did what here, from where, and how it ended. Newest first." />
      <div className="filters">
        <Segmented
          label="Outcome"
          value={filter.outcome ?? 'all'}
          options={OUTCOMES}
          onChange={(outcome) => narrow({ outcome: outcome === 'all' ? undefined : outcome })}
        />
        <Input
          small
          className="find"
          icon={Search}
          type="search"
          aria-label="Who"
          placeholder="Who"
          value={search.actor ?? ''}
          onChange={({ target }) => narrow({ actor: target.value === '' ? undefined : target.value })}
        />
        <Input
          small
          className="find"
          icon={Search}
          type="search"
          aria-label="Action"
          placeholder="Action, such as deployment.stop"
          value={search.action ?? ''}
          onChange={({ target }) => narrow({ action: target.value === '' ? undefined : target.value })}
        />
      </div>
      <section className="card cut">
        {entries === undefined ? (
          <Unloaded
            label="Loading entries"
            error={error}
            onRetry={() => void refetch()}
            padded
            lines={[24, 20, 22]}
          />
        ) : entries.length === 0 ? (
          <Empty title="Nothing like this">No entry has this outcome and these words.</Empty>
        ) : (
          <AuditTable entries={entries} />
        )}
      </section>
      {hasNextPage && (
        <div className="more">
          <Button pending={isFetchingNextPage} onClick={() => void fetchNextPage()}>
            Show older ones
          </Button>
        </div>
      )}
    </Page>
  )
}

function AuditTable({ entries }: { readonly entries: readonly AuditEntry[] }) {
  return (
    <table className="table low record">
      <thead>
        <tr>
          <th scope="col">Who</th>
          <th scope="col">Action</th>
          <th scope="col" className="no-s">
            Target
          </th>
          <th scope="col" className="no-s">
            From
          </th>
          <th scope="col" className="n">
            When
          </th>
        </tr>
      </thead>
      <tbody>
        {entries.map((entry) => (
          <tr key={entry.id}>
            <td>
              <span className="name">{entry.actor.label}</span>
            </td>
            <td>
              <code>{entry.action}</code>{' '}
              {entry.outcome !== 'done' && (
                <Badge tone={entry.outcome === 'refused' ? 'warn' : 'bad'}>
                  {entry.outcome === 'refused' ? 'Refused' : 'Failed'}
                </Badge>
              )}
              <div className="sub">{describe(entry)}</div>
            </td>
            <td className="no-s mono dim">
              <span className={entry.target === null ? 'faint' : undefined}>{entry.target ?? '–'}</span>
            </td>
            <td className="no-s mono dim">
              <span className={entry.address === null ? 'faint' : undefined}>{entry.address ?? '–'}</span>
            </td>
            <td className="n dim">
              <Ago at={entry.at} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

/** The facts of an entry that are plain words, for instance the name of a token. */
function describe({ detail }: AuditEntry): string {
  const words = ['name', 'email', 'slug', 'source', 'role'].flatMap((key) => {
    const value = detail[key]
    return typeof value === 'string' ? [value] : []
  })
  return words.join(' · ')
}

function outcomeOf(text: string | undefined): AuditEntry['outcome'] | undefined {
  return text === 'done' || text === 'refused' || text === 'failed' ? text : undefined
}
