import type { RouteOutput } from '../../contract/index.ts'
import type { CommandContext, CommonOptions } from '../context.ts'
import { formatTable } from '../table.ts'

/** A number, or what every workspace may. */
export type Wish = number | 'default'

export interface QuotaOptions extends CommonOptions {
  readonly deployments?: Wish
  readonly memory?: Wish
  readonly callsPerMinute?: Wish
  readonly concurrentCalls?: Wish
}

type Quotas = RouteOutput<'getQuotas'>

/** Shows what the workspace may use; changes it first where something is named. */
export async function quotas(context: CommandContext, options: QuotaOptions): Promise<void> {
  const { output } = context
  const { deployments, memory, callsPerMinute, concurrentCalls } = options
  const wishes = { deployments, memoryMiB: memory, callsPerMinute, concurrentCalls }
  const body = Object.fromEntries(
    Object.entries(wishes).flatMap(([name, wish]) =>
      wish === undefined ? [] : [[name, wish === 'default' ? null : wish]],
    ),
  )
  let found: Quotas
  if (Object.keys(body).length === 0) found = await context.call('getQuotas', {})
  else {
    const { workspace } = await context.call('getMe', {})
    found = await context.call('changeQuotas', { params: { id: workspace.id }, body })
  }
  output.result(found, () =>
    formatTable(
      output,
      ['QUOTA', 'USED', 'LIMIT', 'SET'],
      Object.entries(WORDS).map(([name, words]) => {
        const { limit, own, used } = found[name as keyof Quotas]
        return [
          words,
          used === null ? '-' : String(used),
          limit === null ? 'none' : String(limit),
          own ? 'for this workspace' : 'for every workspace',
        ]
      }),
    ),
  )
}

const WORDS = {
  deployments: 'deployments',
  memoryMiB: 'memory in all, MiB',
  callsPerMinute: 'calls a minute',
  concurrentCalls: 'calls at once',
} as const satisfies Record<keyof Quotas, string>
