import type { ParsedInput, RouteOutput } from '../../contract/index.ts'
import { queries } from '../../db/index.ts'
import { CatwalkError, formatSource, registryTarget } from '../../domain/index.ts'
import type { ServiceContext } from '../context.ts'
import { readRegistries } from './state.ts'

type Server = RouteOutput<'listRegistryServers'>['items'][number]

/**
 * Servers of the public registries, from the mirror: no registry is asked, so none has to be there.
 * @throws CatwalkError `invalid_request` for a cursor that is none of ours
 */
export async function listRegistryServers(
  ctx: ServiceContext,
  { query }: ParsedInput<'listRegistryServers'>,
): Promise<RouteOutput<'listRegistryServers'>> {
  const { q, limit } = query
  const after = query.cursor === undefined ? null : readCursor(query.cursor)
  const [rows, registries] = await Promise.all([
    // One more than asked for tells whether there is a next page.
    queries.searchRegistryServers(ctx.db, q, after, limit + 1),
    readRegistries(ctx),
  ])
  const runsImages = ctx.installation.runtimes.some(({ supports }) => supports.packages.includes('oci'))
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  return {
    items: shown.map((row) => present(row, runsImages)),
    cursor: rows.length > limit && last !== undefined ? writeCursor(last) : null,
    registries,
  }
}

function present(row: queries.FoundServerRow, runsImages: boolean): Server {
  const target = registryTarget(row, runsImages)
  const isOfficial = row.source === 'official'
  return {
    name: row.name,
    title: row.title,
    description: row.description,
    version: row.version,
    status: row.status,
    statusMessage: row.status_message,
    source: isOfficial
      ? `registry:${row.name}`
      : target.kind === 'repository'
        ? formatSource(target.source)
        : null,
    runsFrom: target.kind,
    listedBy: [
      { registry: row.source, url: isOfficial ? null : row.website },
      ...(row.also === null ? [] : [{ registry: row.also, url: row.also_website }]),
    ],
    // Names are given out only to whoever signed in at GitHub or has shown a key of the domain.
    namespace: isOfficial ? (/^io\.github\./i.test(row.name) ? 'github' : 'domain') : null,
    repository: row.repository,
    website: row.website,
    license: row.license ?? row.also_license,
    packages: row.document.packages.map(({ registryType, identifier, version }) => ({
      registry: registryType,
      name: identifier,
      version,
    })),
    remotes: row.document.remotes.map(({ type, url }) => ({ url, transport: type })),
    publishedAt: row.published_at?.toISOString() ?? null,
    updatedAt: row.updated_at?.toISOString() ?? null,
  }
}

function writeCursor({ score, source, name }: queries.SearchCursor): string {
  return Buffer.from(JSON.stringify([score, source, name])).toString('base64url')
}

function readCursor(text: string): queries.SearchCursor {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'))
    const [score, source, name] = Array.isArray(value) ? (value as unknown[]) : []
    const isOurs =
      typeof score === 'string' &&
      /^-?\d{1,20}(?:\.\d{1,12})?$/.test(score) &&
      typeof source === 'string' &&
      typeof name === 'string' &&
      !`${source}${name}`.includes('\0')
    if (isOurs) return { score, source, name }
  } catch {
    // Told below.
  }
  throw new CatwalkError('invalid_request', 'The cursor is not valid.', { details: { field: 'cursor' } })
}
