import { cleanLine } from '../clean-text.ts'
import type { CommandContext } from '../context.ts'
import { paintState } from '../summary.ts'
import { formatAge, formatTable } from '../table.ts'

export async function list(context: CommandContext): Promise<void> {
  const { output } = context
  const { items } = await context.call('listDeployments', {})
  if (items.length === 0)
    output.note('Nothing is deployed yet. Deploy a server with: bin/catwalk deploy npm:NAME')
  const now = new Date()
  const states = new Map(items.map((item) => [item.slug, item.state]))
  output.result(items, () =>
    items.length === 0
      ? ''
      : formatTable(
          output,
          ['SLUG', 'STATE', 'TOOLS', 'AGE', 'SOURCE', 'ENDPOINT'],
          items.map((item) =>
            [
              item.slug,
              item.state,
              item.toolCount === null ? '-' : String(item.toolCount),
              formatAge(item.createdAt, now),
              item.source,
              item.endpoint,
            ].map(cleanLine),
          ),
          (text, column, [slug]) => {
            const state = states.get(slug ?? '')
            return column === 1 && state !== undefined ? paintState(output, state, text) : text
          },
        ),
  )
}
