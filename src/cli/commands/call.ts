import { CatwalkError } from '../../domain/index.ts'
import type { RouteOutput } from '../../contract/index.ts'
import { cleanLine, cleanText, toJson } from '../clean-text.ts'
import type { CommandContext, CommonOptions } from '../context.ts'
import { EXIT, type ExitCode } from '../exit-codes.ts'
import { readAll } from '../input.ts'

export interface CallOptions extends CommonOptions {
  /** Seconds. */
  readonly timeout: number
}

type CallResult = RouteOutput<'callTool'>
type Content = NonNullable<CallResult['content']>[number]

/** Calls a tool; the exit code tells whether the tool itself reported an error. */
export async function callTool(
  context: CommandContext,
  id: string,
  tool: string,
  json: string | undefined,
  options: CallOptions,
): Promise<ExitCode> {
  const text = json === '-' ? await readAll(context.host.stdin, context.signal) : (json ?? '{}')
  const result = await context.call(
    'callTool',
    { params: { id }, body: { tool, arguments: parseArguments(text) } },
    options.timeout * 1000,
  )
  context.output.result(result, () => format(result))
  return result.isError === true ? EXIT.toolError : EXIT.ok
}

function parseArguments(text: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw problem(`The arguments are not JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw problem('The arguments are not a JSON object.')
  }
  // A JSON object that is no array has string keys.
  return value as Record<string, unknown>
}

function problem(message: string): CatwalkError {
  return new CatwalkError('invalid_request', message, {
    help: `Write them like '{"message": "hello"}', or as - to read them from standard input.`,
    details: { field: 'arguments' },
  })
}

function format(result: CallResult): string {
  const blocks = (result.content ?? []).map(formatContent)
  if (blocks.length === 0 && result.structuredContent !== undefined) return toJson(result.structuredContent)
  return blocks.join('\n')
}

function formatContent(content: Content): string {
  if (content.type === 'text' && typeof content['text'] === 'string') return cleanText(content['text'])
  const { data, mimeType } = content
  if (typeof data === 'string') {
    const kind = typeof mimeType === 'string' ? ` ${cleanLine(mimeType)}` : ''
    return `[${cleanLine(content.type)}${kind}, ${Math.floor((data.length * 3) / 4)} bytes; see it whole with --json]`
  }
  return toJson(content)
}
