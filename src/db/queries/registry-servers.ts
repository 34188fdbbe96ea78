import { sql } from 'kysely'
import type { RegistryEntry, RegistryName } from '../../domain/index.ts'
import type { Handle } from './handle.ts'

export interface RegistryServerRow {
  readonly source: RegistryName
  readonly name: string
  readonly title: string | null
  readonly description: string
  readonly version: string | null
  readonly status: RegistryEntry['status']
  readonly status_message: string | null
  readonly repository: string | null
  readonly folder: string
  readonly website: string | null
  readonly license: string | null
  readonly document: RegistryEntry['document']
  readonly published_at: Date | null
  readonly updated_at: Date | null
}

/** A row with the other registry that lists the same server. */
export interface FoundServerRow extends RegistryServerRow {
  readonly also: RegistryName | null
  readonly also_website: string | null
  readonly also_license: string | null
  readonly score: string
}

/** Where the next page begins: behind this row. */
export interface SearchCursor {
  readonly score: string
  readonly source: string
  readonly name: string
}

export async function upsertRegistryServers(
  db: Handle,
  source: RegistryName,
  crawl: string,
  entries: readonly RegistryEntry[],
): Promise<void> {
  // The same name twice in one statement is refused; the later one counts.
  const unique = [...new Map(entries.map((entry) => [entry.name, entry])).values()]
  if (unique.length === 0) return
  await db
    .insertInto('registry_servers')
    .values(
      unique.map((entry) => ({
        source,
        name: entry.name,
        title: entry.title,
        description: entry.description,
        version: entry.version,
        status: entry.status,
        status_message: entry.statusMessage,
        repository: entry.repository,
        repository_key: repositoryKey(entry.repository),
        folder: entry.folder,
        website: entry.website,
        license: entry.license,
        identifiers: entry.document.packages.map(({ identifier }) => identifier).join('\n'),
        document: JSON.stringify(entry.document),
        published_at: entry.publishedAt,
        updated_at: entry.updatedAt,
        crawl,
      })),
    )
    .onConflict((conflict) =>
      conflict.columns(['source', 'name']).doUpdateSet((set) => ({
        title: set.ref('excluded.title'),
        description: set.ref('excluded.description'),
        version: set.ref('excluded.version'),
        status: set.ref('excluded.status'),
        status_message: set.ref('excluded.status_message'),
        repository: set.ref('excluded.repository'),
        repository_key: set.ref('excluded.repository_key'),
        folder: set.ref('excluded.folder'),
        website: set.ref('excluded.website'),
        license: set.ref('excluded.license'),
        identifiers: set.ref('excluded.identifiers'),
        document: set.ref('excluded.document'),
        published_at: set.ref('excluded.published_at'),
        updated_at: set.ref('excluded.updated_at'),
        crawl: set.ref('excluded.crawl'),
      })),
    )
    .execute()
}

export async function deleteRegistryServers(
  db: Handle,
  source: RegistryName,
  names: readonly string[],
): Promise<void> {
  if (names.length === 0) return
  await db.deleteFrom('registry_servers').where('source', '=', source).where('name', 'in', names).execute()
}

/** An answer without any server at all is taken for a fault of the registry, and removes nothing. */
export async function deleteUnseenRegistryServers(
  db: Handle,
  source: RegistryName,
  crawl: string,
): Promise<void> {
  await sql`delete from registry_servers where source = ${source} and crawl < ${crawl}
    and exists (select from registry_servers where source = ${source} and crawl = ${crawl})`.execute(db)
}

/** An entry of the official registry, by its name in any case. */
export async function findRegistryServer(db: Handle, name: string): Promise<RegistryServerRow | null> {
  const { rows } = await sql<RegistryServerRow>`
    select ${COLUMNS} from registry_servers s where source = 'official' and lower(name) = lower(${name})
    order by name = ${name} desc limit 1`.execute(db)
  return rows[0] ?? null
}

/** Names of the packages of one kind that the registries list, each once. */
export async function listRegistryPackages(db: Handle, registryType: string): Promise<readonly string[]> {
  const { rows } = await sql<{ identifier: string }>`
    select distinct package ->> 'identifier' as identifier
    from registry_servers, jsonb_array_elements(document -> 'packages') as package
    where package ->> 'registryType' = ${registryType}`.execute(db)
  return rows.map(({ identifier }) => identifier)
}

const COLUMNS = sql.raw(
  'source, name, title, description, version, status, status_message, repository, folder, website, license, document, published_at, updated_at',
)

/** A server that the official registry lists as well is shown as that one: by its repository, and its folder if it says one. */
const IS_SHOWN = sql`(s.source = 'official' or s.repository_key is null or not exists (
  select from registry_servers o where o.source = 'official' and o.repository_key = s.repository_key
    and (s.folder = '' or o.folder = '' or o.folder = s.folder)))`

/**
 * Servers that fit the words, best first, each once; without words all, newest first. What has the words in its name is
 * better than what has them in its description, the official registry's better than another's, deprecated ones are last.
 */
export async function searchRegistryServers(
  db: Handle,
  text: string,
  after: SearchCursor | null,
  limit: number,
): Promise<readonly FoundServerRow[]> {
  const words = wordsOf(text)
  const asked = text.trim().toLowerCase()
  const query = sql`(websearch_to_tsquery('english', ${words.phrase}) || to_tsquery('simple', ${words.prefixes}))`
  const isBrowsing = words.phrase === ''
  const score = isBrowsing
    ? sql`(case s.status when 'deprecated' then 0 else coalesce(extract(epoch from s.updated_at), 0) end)`
    : sql`(
        ts_rank('{0.05, 0.1, 0.4, 1.0}', s.search, ${query}, 1)
          * case s.source when 'official' then 1 else 0.6 end
        + case when lower(s.name) = ${asked} then 4
            when lower(regexp_replace(s.name, '^.*/', '')) = ${asked} or lower(s.title) = ${asked} then 2
            when ${asked} = any (string_to_array(lower(s.identifiers), E'\n')) then 3 else 0 end
        - case s.status when 'deprecated' then 10 else 0 end
      )`
  const from =
    after === null
      ? sql``
      : sql`where (score, source, name) < (${after.score}::numeric, ${after.source}, ${after.name})`
  const { rows } = await sql<FoundServerRow>`
    with found as (
      select s.*, round(${score}::numeric, 6) as score from registry_servers s
      where ${isBrowsing ? sql`true` : sql`s.search @@ ${query}`} and ${IS_SHOWN}
    ), page as (
      select * from found ${from} order by score desc, source desc, name desc limit ${limit}
    )
    select ${COLUMNS}, score::text as score, other.also, other.also_website, other.also_license
    from page left join lateral (
      select o.source as also, o.website as also_website, o.license as also_license from registry_servers o
      where page.source = 'official' and o.source <> 'official' and o.repository_key = page.repository_key
        and (o.folder = '' or page.folder = '' or o.folder = page.folder)
      order by o.name limit 1
    ) other on true
    order by page.score desc, page.source desc, page.name desc`.execute(db)
  return rows
}

interface Words {
  /** For websearch_to_tsquery: words, "phrases", or, -without. Empty when there is no word in it. */
  readonly phrase: string
  /** For to_tsquery: every word as the beginning of one, so that results come while one types. Letters and digits only. */
  readonly prefixes: string
}

/** Says little of a server. Left out of what must fit, unless it is all that was asked. */
const NOISE = new Set(['mcp', 'server', 'servers', 'for', 'the', 'a', 'an', 'and', 'of', 'to', 'with', 'in'])
const MAX_WORDS = 12

/** Names are taken apart as in the index; what else PostgreSQL would read as an operator goes. */
function wordsOf(text: string): Words {
  const phrase = text
    .slice(0, 500)
    .replaceAll(/\bio\.github\./gi, ' ')
    .replaceAll(/[^\p{L}\p{N}"\s-]+/gu, ' ')
    .replaceAll(/(?<=[\p{L}\p{N}])-+/gu, ' ')
    .replaceAll(/-+(?![\p{L}\p{N}"])/gu, ' ')
    .trim()
  const hasOperators = /"|(?:^|\s)-|\sor\s/i.test(phrase)
  const all = phrase.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []
  if (all.length === 0) return { phrase: '', prefixes: '' }
  const telling = all.filter((word) => !NOISE.has(word))
  const words = (telling.length === 0 ? all : telling).slice(0, MAX_WORDS)
  return {
    phrase: hasOperators ? phrase : words.join(' '),
    prefixes: hasOperators ? '' : words.map((word) => `${word}:*`).join(' & '),
  }
}

/** A repository in the form by which two addresses of it are the same. */
function repositoryKey(address: string | null): string | null {
  const url = address === null ? null : URL.parse(address)
  if (url === null) return null
  const path = url.pathname.replace(/\/+$/, '').replace(/\.git$/, '')
  return path === '' ? null : `${url.host.replace(/^www\./, '')}${path}`.toLowerCase()
}
