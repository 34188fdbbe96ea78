import type { RouteInput, RouteOutput } from '../../contract/index.ts'
import { cleanLine } from '../clean-text.ts'
import type { CommandContext, CommonOptions } from '../context.ts'
import { formatTable } from '../table.ts'

type Usage = RouteOutput<'getUsage'>
type Query = NonNullable<RouteInput<'getUsage'>['query']>

export interface RangeOptions extends CommonOptions {
  /** RFC 3339. */
  readonly since?: string
  readonly until?: string
}

export interface UsageOptions extends RangeOptions {
  readonly by?: Usage['by']
  readonly step?: Usage['step']
}

const HEADS = { tool: 'TOOL', token: 'TOKEN', subject: 'WHO', deployment: 'DEPLOYMENT' } as const

export async function usage(
  context: CommandContext,
  deployment: string | undefined,
  options: UsageOptions,
): Promise<void> {
  const { output } = context
  const { by, step } = options
  const found = await context.call('getUsage', {
    query: {
      ...rangeOf(deployment, options),
      ...(by === undefined ? {} : { by }),
      ...(step === undefined ? {} : { step }),
    },
  })
  if (found.total.calls === 0) {
    output.note('Nobody has called in that time. What happened in the last seconds may be missing.')
  }
  output.result(found, () =>
    [
      ...(step === undefined
        ? []
        : [
            formatTable(
              output,
              [step.toUpperCase(), ...COLUMNS],
              found.series.map((row) => [row.at, ...cells(row)]),
            ),
            '',
          ]),
      formatTable(
        output,
        [HEADS[found.by], ...COLUMNS],
        [
          ...found.groups.map((row) => [cleanLine(row.label), ...cells(row)]),
          ['in all', ...cells(found.total)],
        ],
      ),
    ].join('\n'),
  )
}

export async function cost(
  context: CommandContext,
  deployment: string | undefined,
  options: RangeOptions,
): Promise<void> {
  const { output } = context
  const found = await context.call('getCost', { query: rangeOf(deployment, options) })
  output.result(found, () =>
    formatTable(
      output,
      ['DEPLOYMENT', 'RUNTIME', 'CALLS', 'AWAKE H', 'GIB-HOURS', 'COST', 'HOW'],
      found.items.map((item) => [
        cleanLine(item.deployment.slug),
        item.runtime,
        String(item.calls),
        item.awakeHours.toFixed(2),
        item.gibHours.toFixed(2),
        item.amount === null ? '-' : `${item.amount.toFixed(4)} ${item.currency ?? ''}`,
        cleanLine(item.formula),
      ]),
    ),
  )
}

function rangeOf(deployment: string | undefined, { since, until }: RangeOptions): Query {
  return {
    ...(deployment === undefined ? {} : { deployment }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
  }
}

const COLUMNS = ['CALLS', 'ERRORS', 'P50 MS', 'P95 MS', 'P99 MS'] as const

function cells({ calls, errors, p50Ms, p95Ms, p99Ms }: Usage['total']): readonly string[] {
  return [String(calls), String(errors), ...[p50Ms, p95Ms, p99Ms].map(milliseconds)]
}

function milliseconds(value: number | null): string {
  if (value === null) return '-'
  return value < 10 ? value.toFixed(1) : String(Math.round(value))
}
