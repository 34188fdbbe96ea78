import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { Plus, Search } from 'lucide-react'
import type { Deployment } from '../../api/client.ts'
import { deploymentsQuery } from '../../api/queries.ts'
import { Page } from '../../app/page.tsx'
import { Button } from '../../kit/button.tsx'
import { Empty } from '../../kit/empty.tsx'
import { ErrorNote } from '../../kit/error-note.tsx'
import { Input } from '../../kit/field.tsx'
import { plural } from '../../kit/format.ts'
import { PageHead } from '../../kit/page-head.tsx'
import { Segmented } from '../../kit/segmented.tsx'
import { STATE_WORDS, StateGlyph } from '../../kit/state.tsx'
import { DeploymentTable, TableSkeleton } from './deployment-table.tsx'
import { FILTERS, isFilter, matches, shown, type Filter } from './filter.ts'
import '../../kit/filters.css'
import './deployments.css'

export function DeploymentsRoom() {
  const { data, error, refetch } = useQuery(deploymentsQuery)
  return (
    <Page title="Deployments">
      <PageHead
        title="Deployments"
        lead={data === undefined ? 'Looking…' : summary(data)}
        actions={data?.length !== 0 && <NewDeployment className="no-s" />}
      />
      {data === undefined ? (
        error ? (
          <ErrorNote error={error} onRetry={() => void refetch()} />
        ) : (
          <TableSkeleton />
        )
      ) : data.length === 0 ? (
        <section className="card">
          <Empty title="Nothing deployed yet" action={<NewDeployment />}>
            Name a server. Its endpoint is here half a minute later.
          </Empty>
        </section>
      ) : (
        <Filtered deployments={data} />
      )}
    </Page>
  )
}

function Filtered({ deployments }: { readonly deployments: readonly Deployment[] }) {
  const search = useSearch({ from: '/house/deployments' })
  const navigate = useNavigate({ from: '/deployments' })
  const filter = isFilter(search.state) ? search.state : 'all'
  const find = search.find ?? ''
  const rows = shown(deployments, filter, find)
  const narrow = (next: { state: Filter; find: string }) =>
    void navigate({
      search: {
        ...(next.state === 'all' ? {} : { state: next.state }),
        ...(next.find === '' ? {} : { find: next.find }),
      },
      replace: true,
    })
  return (
    <>
      <div className="filters">
        <div className="scroll-s">
          <Segmented
            label="State"
            value={filter}
            onChange={(state) => narrow({ state, find })}
            options={FILTERS.map((value) => ({
              value,
              className: GLYPH_STATE[value],
              label: (
                <>
                  {value !== 'all' && <StateGlyph state={GLYPH_STATE[value]} />}
                  {FILTER_WORDS[value]}
                  <span className="n">{deployments.filter((item) => matches(item, value)).length}</span>
                </>
              ),
            }))}
          />
        </div>
        <Input
          small
          className="push find"
          icon={Search}
          type="search"
          aria-label="Filter by name or source"
          placeholder="Filter by name or source"
          value={find}
          onChange={({ target }) => narrow({ state: filter, find: target.value })}
        />
      </div>
      <p className="sr" role="status">
        {plural(rows.length, 'deployment')} shown
      </p>
      <section className="card cut">
        {rows.length > 0 ? (
          <DeploymentTable deployments={rows} />
        ) : (
          <Empty
            title="None like this"
            action={<Button onClick={() => narrow({ state: 'all', find: '' })}>Show all</Button>}
          >
            No deployment has this state and these words.
          </Empty>
        )}
      </section>
    </>
  )
}

const GLYPH_STATE = {
  all: 'running',
  attention: 'unhealthy',
  running: 'running',
  deploying: 'deploying',
  sleeping: 'sleeping',
  stopped: 'stopped',
} as const satisfies Record<Filter, Deployment['state']>

const FILTER_WORDS: Readonly<Record<Filter, string>> = {
  all: 'All',
  attention: 'Needs attention',
  running: STATE_WORDS.running,
  deploying: STATE_WORDS.deploying,
  sleeping: STATE_WORDS.sleeping,
  stopped: STATE_WORDS.stopped,
}

function NewDeployment({ className }: { readonly className?: string }) {
  return (
    <Link className={`btn primary ${className ?? ''}`} to="/">
      <Plus />
      New deployment
    </Link>
  )
}

function summary(deployments: readonly Deployment[]): string {
  if (deployments.length === 0) return 'Servers that are kept running for you.'
  const trouble = deployments.filter((item) => matches(item, 'attention')).length
  const running = deployments.filter((item) => item.state === 'running').length
  const rest = `${running} of ${deployments.length} running.`
  return trouble === 0 ? rest : `${trouble} ${trouble === 1 ? 'needs' : 'need'} you. ${rest}`
}
