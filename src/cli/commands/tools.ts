import { CatwalkError, quoted } from '../../domain/index.ts'
import type { RouteOutput } from '../../contract/index.ts'
import { cleanLine, cleanText, toJson } from '../clean-text.ts'
import type { CommandContext } from '../context.ts'
import type { Output } from '../output.ts'
import { formatTable } from '../table.ts'

type Tool = RouteOutput<'getCatalogue'>['tools'][number]

/** Lists the tools of a deployment, or describes one with its arguments. */
export async function tools(context: CommandContext, id: string, name: string | undefined): Promise<void> {
  const { output } = context
  const catalogue = await context.call('getCatalogue', { params: { id } })
  if (name === undefined) {
    output.result(catalogue.tools, () => formatList(output, catalogue.tools))
    return
  }
  const tool = catalogue.tools.find((candidate) => candidate.name === name)
  if (tool === undefined) {
    throw new CatwalkError('not_found', `There is no tool ${quoted(name)}.`, {
      help: `List what there is with: bin/catwalk tools ${id}`,
    })
  }
  output.result(tool, () => formatTool(output, tool))
}

function formatList(output: Output, list: readonly Tool[]): string {
  if (list.length === 0) return ''
  const rows = list.map(({ name, description = '' }) => [cleanLine(name), shorten(output, name, description)])
  return formatTable(output, ['TOOL', 'DESCRIPTION'], rows)
}

/** The first line of a description; on a terminal as much of it as fits into a line of a hundred columns. */
function shorten(output: Output, name: string, description: string): string {
  const first = cleanLine(description.trim().split('\n', 1)[0] ?? '')
  if (output.columns === null) return first
  const room = Math.max(20, output.columns - Math.max(24, name.length) - 4)
  return first.length <= room ? first : `${first.slice(0, room - 1)}…`
}

function formatTool(output: Output, { name, description, inputSchema }: Tool): string {
  return [
    output.style('bold', cleanLine(name)),
    ...(description === undefined ? [] : [cleanText(description).trim()]),
    '',
    output.style('dim', 'Arguments, as a JSON schema:'),
    toJson(inputSchema ?? {}),
  ].join('\n')
}
