import type { RouteInput, RouteOutput } from '../../contract/index.ts'
import { CatwalkError, quoted } from '../../domain/index.ts'
import { cleanLine, cleanText, toJson } from '../clean-text.ts'
import type { CommandContext, CommonOptions } from '../context.ts'
import type { Output } from '../output.ts'
import { formatTable } from '../table.ts'

type Listing = RouteOutput<'listTools'>
type Item = Listing['items'][number]
type Change = RouteInput<'changeTool'>['body']

export interface AnnotateOptions extends CommonOptions {
  readonly title?: string
  readonly description?: string
  readonly readOnly?: boolean
  readonly destructive?: boolean
  readonly idempotent?: boolean
  readonly openWorld?: boolean
  readonly reset?: boolean
}

/** Switches a tool on or off. */
export async function switchTool(
  context: CommandContext,
  id: string,
  tool: string,
  isEnabled: boolean,
): Promise<void> {
  show(context, await context.call('changeTool', { params: { id }, body: { tool, isEnabled } }))
}

/** Gives a tool another name, or its own back. */
export async function renameTool(
  context: CommandContext,
  id: string,
  tool: string,
  name: string | null,
): Promise<void> {
  show(context, await context.call('changeTool', { params: { id }, body: { tool, name } }))
}

/** Gives a tool other words and hints. */
export async function annotateTool(
  context: CommandContext,
  id: string,
  tool: string,
  { title, description, readOnly, destructive, idempotent, openWorld, reset }: AnnotateOptions,
): Promise<void> {
  const params = { id }
  const annotations = {
    ...(readOnly === undefined ? {} : { readOnlyHint: readOnly }),
    ...(destructive === undefined ? {} : { destructiveHint: destructive }),
    ...(idempotent === undefined ? {} : { idempotentHint: idempotent }),
    ...(openWorld === undefined ? {} : { openWorldHint: openWorld }),
  }
  const change: Change = {
    tool,
    ...(title === undefined ? {} : { title }),
    ...(description === undefined ? {} : { description }),
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
  }
  if (reset === true) {
    const body = { tool, title: null, description: null, annotations: null }
    const after = await context.call('changeTool', { params, body })
    if (Object.keys(change).length === 1) return show(context, after)
  }
  if (Object.keys(change).length === 1) {
    throw new CatwalkError('invalid_request', 'Nothing is to be set.', {
      help: 'Give --title, --description, a hint such as --read-only, or --reset.',
    })
  }
  show(context, await context.call('changeTool', { params, body: change }))
}

/** Shows what a running server changed without a new release, old beside new. */
export async function reviewTools(context: CommandContext, id: string): Promise<void> {
  const { output } = context
  const { items } = await context.call('listTools', { params: { id } })
  const changed = items.filter(({ change }) => change !== null)
  if (changed.length === 0) output.note('Every tool is as it was approved.')
  output.result(changed, () => changed.map((item) => formatChange(output, id, item)).join('\n\n'))
}

/** Accepts a changed tool, or keeps it stopped. */
export async function decide(
  context: CommandContext,
  id: string,
  tool: string,
  decision: 'accept' | 'keep_blocked',
  given: string | undefined,
): Promise<void> {
  const params = { id }
  const { items } = await context.call('listTools', { params })
  const hash = given ?? items.find(({ name }) => name === tool)?.change?.hash
  if (hash === undefined) {
    throw new CatwalkError('tool_not_found', `Nothing is to be decided about the tool ${quoted(tool)}.`)
  }
  show(context, await context.call('decideAboutTool', { params, body: { tool, decision, hash } }))
}

/** Sets which differences stop a tool. */
export async function setPinning(
  context: CommandContext,
  id: string,
  given: string,
  modes: readonly Listing['pinning'][],
): Promise<void> {
  const pinning = modes.find((mode) => mode === given)
  if (pinning === undefined) {
    throw new CatwalkError('invalid_request', `There is no mode ${quoted(given)}.`, {
      help: `Choose one of: ${modes.join(', ')}.`,
    })
  }
  show(context, await context.call('setToolPinning', { params: { id }, body: { pinning } }))
}

function show({ output }: CommandContext, listing: Listing): void {
  output.result(listing, () =>
    formatTable(
      output,
      ['TOOL', 'CLIENTS SEE', 'STATE'],
      listing.items.map((item) => [item.name, item.shownAs ?? '-', stateOfTool(item)].map(cleanLine)),
    ),
  )
}

/** In which state a tool is, in words. */
export function stateOfTool({ isEnabled, change, setting, name }: Item): string {
  if (!isEnabled) return 'disabled'
  if (change?.isBlocked === true) return change.isKept ? 'blocked' : `blocked: ${change.kind}`
  if (change !== null) return change.kind
  if (setting.name !== null && setting.name !== name) return 'renamed'
  const isAnnotated =
    setting.title !== null || setting.description !== null || Object.keys(setting.annotations).length > 0
  return isAnnotated ? 'annotated' : 'enabled'
}

function formatChange(output: Output, id: string, item: Item): string {
  const { name, change } = item
  if (change === null) return ''
  const { from, to, members } = change
  const lines =
    from === null
      ? toJson(to)
          .split('\n')
          .map((line) => `+ ${line}`)
      : members.flatMap((member) => [
          output.style('dim', member),
          ...textsOf(from[member]).map((line) => `- ${line}`),
          ...textsOf(to[member]).map((line) => `+ ${line}`),
        ])
  const choices = change.isBlocked
    ? `bin/catwalk tools accept ${id} ${cleanLine(name)}  or  bin/catwalk tools keep-blocked ${id} ${cleanLine(name)}`
    : `bin/catwalk tools accept ${id} ${cleanLine(name)}`
  return [`${output.style('bold', cleanLine(name))}  ${stateOfTool(item)}`, ...lines, choices].join('\n')
}

/** A member in lines. A server's words cannot steer the terminal, and what would not be seen is shown escaped. */
function textsOf(value: unknown): readonly string[] {
  if (value === undefined) return []
  const isPlain = typeof value === 'string' && cleanText(value) === value
  return (isPlain ? value : toJson(value)).split('\n')
}
