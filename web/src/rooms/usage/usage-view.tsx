import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useState, type ReactNode } from 'react'
import { costQuery, usageQuery, type Cost, type Usage, type UsageBy } from '../../api/usage.ts'
import { Card } from '../../kit/card.tsx'
import { Empty } from '../../kit/empty.tsx'
import { ErrorNote } from '../../kit/error-note.tsx'
import { formatLatency } from '../../kit/format.ts'
import { Segmented } from '../../kit/segmented.tsx'
import { Skeleton } from '../../kit/skeleton.tsx'
import { Chart } from './chart.tsx'
import '../../kit/table.css'
import './usage.css'

const RANGES = [
  { value: '24', label: '24 hours' },
  { value: '168', label: '7 days' },
  { value: '720', label: '30 days' },
] as const
type Range = (typeof RANGES)[number]['value']

const BY_WORDS = {
  deployment: { option: 'Deployments', head: 'Deployment' },
  tool: { option: 'Tools', head: 'Tool or method' },
  token: { option: 'Tokens', head: 'Token' },
  subject: { option: 'Callers', head: 'Who called' },
} as const satisfies Record<UsageBy, { option: string; head: string }>

interface UsageViewProps {
  readonly deployment?: string
  /** What stands below. */
  readonly children?: ReactNode
}

/** Calls, errors, latency and cost of one deployment, or of all of the workspace. */
export function UsageView({ deployment, children }: UsageViewProps) {
  const ways: readonly UsageBy[] =
    deployment === undefined ? ['deployment', 'tool', 'token', 'subject'] : ['tool', 'token', 'subject']
  const [range, setRange] = useState<Range>('168')
  const [by, setBy] = useState<UsageBy>(ways[0] ?? 'tool')
  const usage = useQuery({
    ...usageQuery({ deployment, hours: Number(range), by }),
    placeholderData: keepPreviousData,
  })
  const cost = useQuery({
    ...costQuery({ deployment, hours: Number(range) }),
    placeholderData: keepPreviousData,
  })
  return (
    <div className="tab stack">
      <div className="scroll-s">
        <Segmented label="Time" value={range} options={RANGES} onChange={setRange} />
      </div>
      <Card title="Calls" className="usage" beside={<span className="faint">{beside(range)}</span>}>
        {usage.data === undefined ? (
          <Waiting label="Loading usage" error={usage.error} onRetry={() => void usage.refetch()} />
        ) : usage.data.total.calls === 0 ? (
          <Empty title="Nobody called">
            Calls are counted from the first one on. Those of the last seconds may be missing.
          </Empty>
        ) : (
          <Figures usage={usage.data} />
        )}
      </Card>
      {usage.data !== undefined && usage.data.total.calls > 0 && (
        <>
          <div className="scroll-s">
            <Segmented
              label="Tell apart by"
              value={by}
              options={ways.map((value) => ({ value, label: BY_WORDS[value].option }))}
              onChange={setBy}
            />
          </div>
          <Card title="What was called" className="cut">
            <Groups usage={usage.data} />
          </Card>
        </>
      )}
      <Card title="Cost" className="cut" beside={<span className="faint">{beside(range)}</span>}>
        {cost.data === undefined ? (
          <Waiting label="Loading cost" error={cost.error} onRetry={() => void cost.refetch()} />
        ) : cost.data.items.length === 0 ? (
          <Empty title="Nothing deployed">A deployment costs memory for as long as it is awake.</Empty>
        ) : (
          <CostTable items={cost.data.items} />
        )}
      </Card>
      {children}
    </div>
  )
}

interface WaitingProps {
  readonly label: string
  readonly error: Error | null
  readonly onRetry: () => void
}

function Waiting({ label, error, onRetry }: WaitingProps) {
  return (
    <div className="pad stack" role="status" aria-busy={!error} aria-label={label}>
      {error ? (
        <ErrorNote error={error} onRetry={onRetry} />
      ) : (
        <>
          <Skeleton width={24} />
          <Skeleton width={30} />
        </>
      )}
    </div>
  )
}

function beside(range: Range): string {
  return RANGES.find(({ value }) => value === range)?.label ?? ''
}

function Figures({ usage: { total, series, step } }: { readonly usage: Usage }) {
  const times = series.map(({ at }) => timeOf(at, step))
  const timeHead = { minute: 'Minute', hour: 'Hour', day: 'Day' }[step]
  return (
    <div className="usage-body">
      <dl className="usage-figures num">
        <Figure name="Calls" value={count(total.calls)} />
        <Figure name="Errors" value={count(total.errors)} />
        <Figure name="Median" value={duration(total.p50Ms)} />
        <Figure name="p95" value={duration(total.p95Ms)} />
        <Figure name="p99" value={duration(total.p99Ms)} />
      </dl>
      <div className="usage-charts">
        <Chart
          title={`Calls per ${step}`}
          times={times}
          timeHead={timeHead}
          format={count}
          series={[
            { label: 'Calls', values: series.map(({ calls }) => calls), tone: 'plain' },
            { label: 'Errors', values: series.map(({ errors }) => errors), tone: 'failed' },
          ]}
        />
        <Chart
          title="Latency"
          times={times}
          timeHead={timeHead}
          format={duration}
          series={[
            { label: 'p95', values: series.map(({ p95Ms }) => p95Ms), tone: 'plain' },
            { label: 'Median', values: series.map(({ p50Ms }) => p50Ms), tone: 'faint' },
          ]}
        />
      </div>
    </div>
  )
}

function Figure({ name, value }: { readonly name: string; readonly value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  )
}

function Groups({ usage: { groups, by } }: { readonly usage: Usage }) {
  if (groups.length === 0) return <p className="pad faint">Nothing of that time is on record.</p>
  return (
    <table className="table low usage-table">
      <thead>
        <tr>
          <th scope="col">{BY_WORDS[by].head}</th>
          <th scope="col" className="n">
            Calls
          </th>
          <th scope="col" className="n">
            Errors
          </th>
          <th scope="col" className="n no-s">
            Median
          </th>
          <th scope="col" className="n no-s">
            p95
          </th>
          <th scope="col" className="n no-s">
            p99
          </th>
        </tr>
      </thead>
      <tbody className="num">
        {groups.map((group) => (
          <tr key={group.key}>
            <td>
              <span className="name breakable">{group.label}</span>
            </td>
            <td className="n">
              {count(group.calls)}
              <span className="only-s faint"> calls</span>
            </td>
            <td className="n">
              {count(group.errors)}
              <span className="only-s faint"> errors</span>
            </td>
            <td className="n no-s">{duration(group.p50Ms)}</td>
            <td className="n no-s">{duration(group.p95Ms)}</td>
            <td className="n no-s">{duration(group.p99Ms)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function CostTable({ items }: { readonly items: readonly Cost[] }) {
  return (
    <table className="table low usage-table">
      <thead>
        <tr>
          <th scope="col">Deployment</th>
          <th scope="col" className="n no-s">
            Calls
          </th>
          <th scope="col" className="n no-s">
            Hours awake
          </th>
          <th scope="col" className="n">
            GiB-hours
          </th>
          <th scope="col" className="n">
            Cost
          </th>
        </tr>
      </thead>
      <tbody className="num">
        {items.map(({ deployment, runtime, calls, awakeHours, gibHours, amount, currency, formula }) => (
          <tr key={`${deployment.id} ${runtime}`}>
            <td>
              <span className="name breakable">{deployment.name}</span>
              <div className="sub">{formula}.</div>
            </td>
            <td className="n no-s">{count(calls)}</td>
            <td className="n no-s">{awakeHours.toFixed(1)}</td>
            <td className="n">
              {gibHours.toFixed(2)}
              <span className="only-s faint"> GiB-hours</span>
            </td>
            <td className="n">
              {amount === null ? <span className="faint">no price</span> : money(amount, currency ?? 'USD')}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en')
}

function duration(ms: number | null): string {
  return ms === null ? 'none' : formatLatency(ms)
}

function money(amount: number, currency: string): string {
  return `${amount.toLocaleString('en', { minimumFractionDigits: 2, maximumFractionDigits: 4 })} ${currency}`
}

function timeOf(at: string, step: Usage['step']): string {
  const format: Intl.DateTimeFormatOptions =
    step === 'day'
      ? // Days begin in UTC.
        { day: 'numeric', month: 'short', timeZone: 'UTC' }
      : { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' }
  return new Intl.DateTimeFormat('en-GB', format).format(new Date(at))
}
