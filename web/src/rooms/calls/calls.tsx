import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Search } from 'lucide-react'
import { useState } from 'react'
import { callsQuery, type Call, type CallFilter } from '../../api/calls.ts'
import { deploymentsQuery } from '../../api/queries.ts'
import { Page } from '../../app/page.tsx'
import { Ago } from '../../kit/ago.tsx'
import { Badge } from '../../kit/badge.tsx'
import { Button } from '../../kit/button.tsx'
import { Empty } from '../../kit/empty.tsx'
import { Input, Select } from '../../kit/field.tsx'
import { formatLatency } from '../../kit/format.ts'
import { PageHead } from '../../kit/page-head.tsx'
import { useSettled } from '../../kit/use-settled.ts'
import { Unloaded } from '../../kit/unloaded.tsx'
import { isOutcome, OUTCOME_WORDS } from './outcomes.ts'
import '../../kit/record.css'
import '../../kit/filters.css'
import '../../kit/table.css'

const TYPING_MS = 250

/** Who called what in this workspace. */
export function CallsRoom() {
  const search = useSearch({ from: '/house/calls' })
  const navigate = useNavigate({ from: '/calls' })
  const { data: deployments = [] } = useQuery(deploymentsQuery)
  const settled = useSettled(search, TYPING_MS)
  const filter: CallFilter = {
    deployment: settled.deployment,
    tool: settled.tool,
    subject: settled.who,
    outcome: isOutcome(settled.outcome) ? settled.outcome : undefined,
  }
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery({
    ...callsQuery(filter),
    placeholderData: keepPreviousData,
  })
  const narrow = (next: Partial<typeof search>) =>
    void navigate({ search: { ...search, ...next }, replace: true })
  const calls = data?.pages.flatMap(({ items }) => items)
  const isNarrowed = Object.values(filter).some((value) => value !== undefined)
  return (
    <Page title="Calls">
      <PageHead
        title="Calls"
        lead="Who called what, when, and how it ended; never with what arguments. Newest first."
      />
      <div className="filters" role="search">
        <Select
          small
          aria-label="Deployment"
          value={search.deployment ?? ''}
          onChange={({ target }) => narrow({ deployment: target.value || undefined })}
        >
          <option value="">Every deployment</option>
          {deployments.map(({ slug, name }) => (
            <option key={slug} value={slug}>
              {name}
            </option>
          ))}
        </Select>
        <Select
          small
          aria-label="Outcome"
          value={filter.outcome ?? ''}
          onChange={({ target }) => narrow({ outcome: target.value || undefined })}
        >
          <option value="">Every outcome</option>
          {Object.entries(OUTCOME_WORDS).map(([outcome, { word }]) => (
            <option key={outcome} value={outcome}>
              {word}
            </option>
          ))}
        </Select>
        <Filter what="Tool" hint="Tool" value={search.tool} onChange={(tool) => narrow({ tool })} />
        <Filter
          what="Person"
          hint="Person, by address"
          value={search.who}
          onChange={(who) => narrow({ who })}
        />
      </div>
      <section className="card cut">
        {calls === undefined ? (
          <Unloaded
            label="Loading calls"
            error={error}
            onRetry={() => void refetch()}
            padded
            lines={[24, 20, 22]}
          />
        ) : calls.length > 0 ? (
          <CallTable calls={calls} />
        ) : isNarrowed ? (
          <Empty title="No such call">Names of tools and addresses of people have to be whole.</Empty>
        ) : (
          <Empty title="Nobody called">
            Each call of a client is listed here, a few seconds after it ended.
          </Empty>
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

interface FilterProps {
  readonly what: string
  readonly hint: string
  readonly value: string | undefined
  readonly onChange: (value: string | undefined) => void
}

function Filter({ what, hint, value, onChange }: FilterProps) {
  // What is typed stays as it is, blanks at its ends too; only what is asked for is without them.
  const [typed, setTyped] = useState(value ?? '')
  return (
    <Input
      small
      className="find"
      icon={Search}
      type="search"
      maxLength={254}
      aria-label={what}
      placeholder={hint}
      value={typed}
      onChange={({ target }) => {
        setTyped(target.value)
        onChange(target.value.trim() || undefined)
      }}
    />
  )
}

function CallTable({ calls }: { readonly calls: readonly Call[] }) {
  return (
    <table className="table low record">
      <thead>
        <tr>
          <th scope="col">Who</th>
          <th scope="col">What</th>
          <th scope="col" className="no-s">
            Deployment
          </th>
          <th scope="col">Outcome</th>
          <th scope="col" className="n no-s">
            Took
          </th>
          <th scope="col" className="n">
            When
          </th>
        </tr>
      </thead>
      <tbody>
        {calls.map((call) => (
          <tr key={call.id}>
            <td>
              <span className="name">{call.who}</span>
              {call.person !== null && call.person !== call.who && <span className="sub">{call.person}</span>}
            </td>
            <td>
              <code>{call.name ?? call.method ?? 'Turned away'}</code>
              {call.name !== null && <span className="sub">{call.method}</span>}
            </td>
            <td className="no-s dim">{call.deployment.slug}</td>
            <td>
              <Badge tone={OUTCOME_WORDS[call.outcome].tone}>{OUTCOME_WORDS[call.outcome].word}</Badge>
            </td>
            <td className="n no-s dim">{formatLatency(call.durationMs)}</td>
            <td className="n dim">
              <Ago at={call.at} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
