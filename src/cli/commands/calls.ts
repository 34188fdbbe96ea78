import type { RouteOutput } from '../../contract/index.ts'
import { cleanLine } from '../clean-text.ts'
import type { CommandContext, CommonOptions } from '../context.ts'
import { formatTable } from '../table.ts'

export interface CallsOptions extends CommonOptions {
  readonly token?: string
  readonly tool?: string
  readonly who?: string
  readonly outcome?: RouteOutput<'listCalls'>['items'][number]['outcome']
  readonly since?: string
  readonly until?: string
  readonly lines: number
}

export async function calls(
  context: CommandContext,
  deployment: string | undefined,
  { token, tool, who, outcome, since, until, lines }: CallsOptions,
): Promise<void> {
  const { output } = context
  const { items } = await context.call('listCalls', {
    query: {
      ...(deployment === undefined ? {} : { deployment }),
      ...(token === undefined ? {} : { token }),
      ...(tool === undefined ? {} : { tool }),
      ...(who === undefined ? {} : { subject: who }),
      ...(outcome === undefined ? {} : { outcome }),
      ...(since === undefined ? {} : { since }),
      ...(until === undefined ? {} : { until }),
      limit: lines,
    },
  })
  if (items.length === 0) output.note('Nobody has called. What happened in the last seconds may be missing.')
  output.result(items, () =>
    items.length === 0
      ? ''
      : formatTable(
          output,
          ['TIME', 'DEPLOYMENT', 'WHO', 'PERSON', 'METHOD', 'NAME', 'OUTCOME', 'MS'],
          items
            .toReversed()
            .map((item) =>
              [
                item.at,
                item.deployment.slug,
                item.who,
                item.person ?? '-',
                item.method ?? '-',
                item.name ?? '-',
                item.outcome,
                item.durationMs.toFixed(1),
              ].map(cleanLine),
            ),
        ),
  )
}
