import { CatwalkError } from '../../domain/index.ts'
import type { RouteOutput } from '../../contract/index.ts'
import { cleanLine } from '../clean-text.ts'
import type { CommandContext, CommonOptions } from '../context.ts'
import { readFeed } from '../feed.ts'
import type { Output } from '../output.ts'

type LogLine = RouteOutput<'listLogs'>['items'][number]

export interface LogsOptions extends CommonOptions {
  readonly follow?: boolean
  readonly lines: number
}

export async function logs(context: CommandContext, id: string, options: LogsOptions): Promise<void> {
  const { output } = context
  if (options.follow === true && output.json) {
    throw new CatwalkError('invalid_request', 'Following has no end, so it cannot be one JSON document.', {
      help: 'Leave out --follow or --json.',
    })
  }
  const { items } = await context.call('listLogs', { params: { id }, query: { limit: options.lines } })
  output.result(items, () => items.map((item) => format(output, item)).join('\n'))
  if (options.follow === true) await followLogs(context, id, items.at(-1)?.id ?? '0')
}

async function followLogs(context: CommandContext, id: string, shownUpTo: string): Promise<void> {
  const { output, signal } = context
  let last = BigInt(shownUpTo)
  for await (const item of readFeed(await context.api(), id, { signal })) {
    if (item.kind === 'deleted') output.note('The deployment was deleted.')
    // The feed begins with lines that were shown already, and may repeat some after a cut connection.
    if (item.kind !== 'log' || BigInt(item.log.id) <= last) continue
    last = BigInt(item.log.id)
    output.line(format(output, item.log))
  }
}

function format(output: Output, { at, stream, line }: LogLine): string {
  const text = cleanLine(line)
  if (output.columns === null) return `${at}\t${stream}\t${text}`
  const time = output.style('dim', new Date(at).toTimeString().slice(0, 8))
  return `${time}  ${stream === 'system' ? output.style('cyan', text) : text}`
}
