import { CatwalkError, quoted } from '../../domain/index.ts'
import type { RouteOutput } from '../../contract/index.ts'
import { cleanLine, cleanText, toJson } from '../clean-text.ts'
import type { CommandContext } from '../context.ts'
import type { Output } from '../output.ts'
import { formatTable } from '../table.ts'
import { stateOfTool } from './tool-settings.ts'

type Tool = RouteOutput<'getCatalogue'>['tools'][number]

/** Lists the tools of a deployment, or describes one with its arguments. */
export async function tools(context: CommandContext, id: string, name: string | undefined): Promise<void> {
  const { output } = context
  if (name === undefined) {
    const { items } = await context.call('listTools', { params: { id } })
    const undecided = items.filter(({ change }) => change !== null && !change.isKept).length
    if (undecided > 0)
      output.note(
        `${undecided} ${undecided === 1 ? 'tool is' : 'tools are'} not as approved. Look with: bin/catwalk tools review ${id}`,
      )
    output.result(items, () => formatList(output, items))
    return
  }
  const catalogue = await context.call('getCatalogue', { params: { id } })
  const tool = catalogue.tools.find((candidate) => candidate.name === name)
  if (tool === undefined) {
    throw new CatwalkError('not_found', `There is no tool ${quoted(name)}.`, {
      help: `List what there is with: bin/catwalk tools ${id}`,
    })
  }
  output.result(tool, () => formatTool(output, tool))
}

function formatList(output: Output, list: RouteOutput<'listTools'>['items']): string {
  if (list.length === 0) return ''
  const rows = list.map((item) => {
    const name = item.shownAs ?? item.name
    return [cleanLine(name), stateOfTool(item), shorten(output, name, item.description ?? '')]
  })
  return formatTable(output, ['TOOL', 'STATE', 'DESCRIPTION'], rows)
}

/** The first line of a description; on a terminal as much of it as fits into a line of a hundred columns. */
function shorten(output: Output, name: string, description: string): string {
  const first = cleanLine(description.trim().split('\n', 1)[0] ?? '')
  if (output.columns === null) return first
  const room = Math.max(20, output.columns - Math.max(24, name.length) - 14)
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
