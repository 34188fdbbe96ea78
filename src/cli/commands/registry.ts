import { setTimeout as delay } from 'node:timers/promises'
import type { RouteOutput } from '../../contract/index.ts'
import { CatwalkError } from '../../domain/index.ts'
import { cleanLine } from '../clean-text.ts'
import type { CommandContext, CommonOptions } from '../context.ts'
import { formatAge, formatTable } from '../table.ts'

export interface SearchOptions extends CommonOptions {
  readonly limit: number
  readonly cursor?: string
}

export interface SyncOptions extends CommonOptions {
  readonly wait?: boolean
  /** Seconds. */
  readonly timeout: number
}

type Server = RouteOutput<'listRegistryServers'>['items'][number]
type Registries = RouteOutput<'listRegistries'>['items']

const POLL_MS = 500

export async function searchRegistry(
  context: CommandContext,
  words: readonly string[],
  options: SearchOptions,
): Promise<void> {
  const { output } = context
  const now = new Date()
  const q = words.join(' ')
  const found = await context.call('listRegistryServers', {
    query: { q, limit: options.limit, ...(options.cursor === undefined ? {} : { cursor: options.cursor }) },
  })
  output.result(found, () =>
    found.items.length === 0
      ? ''
      : formatTable(
          output,
          ['SOURCE', 'FROM', 'UPDATED', 'DESCRIPTION'],
          found.items.map((server) =>
            [
              server.source ?? server.name,
              from(server),
              server.updatedAt === null ? '-' : formatAge(server.updatedAt, now),
              `${server.status === 'deprecated' ? 'Deprecated. ' : ''}${server.title ?? server.name}: ${server.description}`,
            ].map(cleanLine),
          ),
        ),
  )
  if (found.registries.length === 0) {
    output.note('No registry is configured here (CATWALK_REGISTRY_URL, CATWALK_GLAMA_URL).')
  } else if (found.items.length === 0) {
    output.note(q === '' ? 'No servers are known yet.' : 'No server fits these words.')
  }
  for (const registry of found.registries) {
    if (registry.failure !== null || registry.syncedAt === null) output.note(freshness(registry, now))
  }
  if (found.cursor !== null) output.note(`There are more: add --cursor ${found.cursor}`)
  if (found.items.length > 0) output.note('Look into one: bin/catwalk analyze SOURCE')
}

export async function registryStatus(context: CommandContext): Promise<void> {
  show(context, (await context.call('listRegistries', {})).items)
}

export async function syncRegistries(context: CommandContext, options: SyncOptions): Promise<void> {
  const before = (await context.call('listRegistries', {})).items
  let items = (await context.call('syncRegistries', {})).items
  const until = Date.now() + options.timeout * 1000
  while (options.wait === true && !items.every((item) => isNewer(item, before))) {
    if (Date.now() > until) {
      throw new CatwalkError('wait_timeout', 'The registries are still being read.', {
        help: 'It goes on without you. Look again with: bin/catwalk registry status',
      })
    }
    await delay(POLL_MS, undefined, { signal: context.signal })
    items = (await context.call('listRegistries', {})).items
  }
  show(context, items)
}

/** Whether an attempt has ended since, well or not. */
function isNewer(now: Registries[number], before: Registries): boolean {
  const former = before.find(({ name }) => name === now.name)
  return now.syncedAt !== (former?.syncedAt ?? null) || now.failure?.at !== former?.failure?.at
}

function show({ output }: CommandContext, items: Registries): void {
  const now = new Date()
  output.result({ items }, () =>
    items.length === 0
      ? ''
      : formatTable(
          output,
          ['REGISTRY', 'SERVERS', 'STATE', 'ADDRESS'],
          items.map((registry) =>
            [registry.name, String(registry.servers), freshness(registry, now), registry.url].map(cleanLine),
          ),
        ),
  )
  if (items.length === 0) {
    output.note('No registry is configured here (CATWALK_REGISTRY_URL, CATWALK_GLAMA_URL).')
  }
}

function freshness({ name, syncedAt, syncing, failure }: Registries[number], now: Date): string {
  const known = syncedAt === null ? 'not read to its end yet' : `as of ${formatAge(syncedAt, now)} ago`
  if (failure !== null) return cleanLine(`${name}: ${known}; last attempt failed: ${failure.message}`)
  return `${name}: ${known}${syncing ? ', being read' : ''}`
}

function from({ runsFrom, packages }: Server): string {
  return runsFrom === 'package' ? (packages[0]?.registry ?? 'package') : runsFrom
}
