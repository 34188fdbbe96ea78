import { open } from 'node:fs/promises'
import { CatwalkError, quoted } from '../../domain/index.ts'
import type { RouteInput, RouteOutput } from '../../contract/index.ts'
import { cleanLine } from '../clean-text.ts'
import type { CommandContext, CommonOptions } from '../context.ts'
import { readFeed } from '../feed.ts'
import type { Output } from '../output.ts'

type LogLine = RouteOutput<'listLogs'>['items'][number]
type Query = NonNullable<RouteInput<'listLogs'>['query']>

export interface LogsOptions extends CommonOptions {
  readonly follow?: boolean
  readonly lines: number
  readonly search?: string
  readonly stream?: NonNullable<Query['stream']>
  /** RFC 3339. */
  readonly since?: string
  readonly until?: string
  readonly release?: number
  readonly instance?: string
  /** Path of a file; `-` for standard output. */
  readonly download?: string
}

const PAGE = 1000

export async function logs(context: CommandContext, id: string, options: LogsOptions): Promise<void> {
  const { output } = context
  const { follow = false, download } = options
  if (follow && (output.json || download !== undefined || options.until !== undefined)) {
    throw new CatwalkError(
      'invalid_request',
      'Following has no end, so it goes with no end and no document.',
      {
        help: 'Leave out --follow, or --json, --download and --until.',
      },
    )
  }
  const filter = filterOf(options)
  if (download !== undefined) return downloadLogs(context, id, filter, download)
  const items = await lastLines(context, id, filter, options.lines)
  output.result(items, () => items.map((item) => format(output, item)).join('\n'))
  if (items.length === 0 && !follow) output.note('There is no such line.')
  if (follow) await followLogs(context, id, items.at(-1)?.id ?? '0', options)
}

function filterOf({ search, stream, since, until, release, instance }: LogsOptions): Query {
  return {
    ...(search === undefined ? {} : { search }),
    ...(stream === undefined ? {} : { stream }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
    ...(release === undefined ? {} : { release }),
    ...(instance === undefined ? {} : { instance }),
  }
}

/** A search through a long log comes in several answers. */
async function lastLines(
  context: CommandContext,
  id: string,
  filter: Query,
  wanted: number,
): Promise<readonly LogLine[]> {
  let found: readonly LogLine[] = []
  let query: Query = filter
  for (;;) {
    query = { ...query, limit: wanted - found.length }
    const { items, before } = await context.call('listLogs', { params: { id }, query })
    found = [...items, ...found]
    if (before === null || found.length >= wanted) return found
    query = { ...query, before }
  }
}

/** Writes every line that is kept, oldest first, page by page. */
async function downloadLogs(context: CommandContext, id: string, filter: Query, path: string): Promise<void> {
  const { output } = context
  await using file = path === '-' ? null : await openFile(path)
  let after = '0'
  let lines = 0
  for (;;) {
    const query = { ...filter, after, limit: PAGE }
    const { items } = await context.call('listLogs', { params: { id }, query })
    const text = items.map((item) => plain(item))
    if (file !== null) await file.write(text.map((line) => `${line}\n`).join(''))
    else for (const line of text) output.line(line)
    lines += items.length
    after = items.at(-1)?.id ?? after
    if (items.length < PAGE) break
  }
  if (file !== null) {
    output.result({ file: path, lines }, () => `${lines} lines written to ${cleanLine(path)}.`)
  }
}

async function openFile(path: string) {
  return open(path, 'w', 0o600).catch((error: unknown) => {
    throw new CatwalkError('invalid_request', `The file ${quoted(path)} cannot be written.`, { cause: error })
  })
}

async function followLogs(
  context: CommandContext,
  id: string,
  shownUpTo: string,
  options: LogsOptions,
): Promise<void> {
  const { output, signal } = context
  let last = BigInt(shownUpTo)
  for await (const item of readFeed(await context.api(), id, { signal })) {
    if (item.kind === 'deleted') output.note('The deployment was deleted.')
    // The feed begins with lines that were shown already, and may repeat some after a cut connection.
    if (item.kind !== 'log' || BigInt(item.log.id) <= last) continue
    last = BigInt(item.log.id)
    if (isLike(item.log, options)) output.line(format(output, item.log))
  }
}

/** What the server does for lines that are there already. */
function isLike({ stream, line, instanceId }: LogLine, wanted: LogsOptions): boolean {
  if (wanted.search !== undefined && !line.toLowerCase().includes(wanted.search.toLowerCase())) return false
  if (wanted.instance !== undefined && instanceId !== wanted.instance) return false
  if (wanted.stream === undefined) return true
  return wanted.stream === 'program' ? stream !== 'system' : stream === wanted.stream
}

function plain({ at, stream, line }: LogLine): string {
  return `${at}\t${stream}\t${cleanLine(line)}`
}

function format(output: Output, item: LogLine): string {
  if (output.columns === null) return plain(item)
  const text = cleanLine(item.line)
  const time = output.style('dim', new Date(item.at).toTimeString().slice(0, 8))
  return `${time}  ${item.stream === 'system' ? output.style('cyan', text) : text}`
}
