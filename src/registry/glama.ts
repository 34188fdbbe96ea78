import { z } from 'zod'
import { RegistryFailure, type RegistryClient, type RegistryEntry } from '../domain/index.ts'
import type { HttpClient } from '../network/index.ts'
import { ask } from './ask.ts'
import { line, orNull, webAddress, word } from './texts.ts'

const PAGE = 100

const server = z.object({
  id: word(100),
  name: orNull(line(200)),
  namespace: orNull(word(200)),
  slug: orNull(word(200)),
  description: line(1_000).nullable().catch('').default(''),
  repository: orNull(z.object({ url: webAddress })),
  spdxLicense: orNull(z.object({ name: orNull(line(100)) })),
  url: orNull(webAddress),
})
const answer = z.object({
  servers: z.array(z.unknown()),
  pageInfo: z.object({ endCursor: z.string().max(2_000).nullish(), hasNextPage: z.boolean() }),
})

/**
 * Glama's list of servers (glama.ai/mcp/reference). It names repositories, not packages, so an entry is deployed from its
 * repository; and it does not tell what changed.
 */
export function createGlama({ url, http }: { url: string; http: HttpClient }): RegistryClient {
  return {
    name: 'glama',
    url,
    tellsChanges: false,
    async page({ cursor }, signal) {
      const asked = new URL(`${url}/api/mcp/v1/servers?first=${PAGE}`)
      if (cursor !== null) asked.searchParams.set('after', cursor)
      const { data } = answer.safeParse(await ask(http, asked, signal))
      if (data === undefined) throw new RegistryFailure(`The answer of ${asked.host} is no list of servers.`)
      const servers = data.servers.slice(0, PAGE)
      const entries = servers.map(readEntry).filter((entry) => entry !== null)
      return {
        changes: entries.map((entry) => ({ kind: 'present', entry }) as const),
        unreadable: servers.length - entries.length,
        nextCursor: data.pageInfo.hasNextPage ? (data.pageInfo.endCursor ?? null) : null,
      }
    },
    // Nothing of it is analysed by its name there.
    find: async () => null,
  }
}

function readEntry(value: unknown): RegistryEntry | null {
  const { data } = server.safeParse(value)
  if (data === undefined) return null
  const { repository, folder } = place(data.repository?.url ?? null)
  return {
    name: data.namespace !== null && data.slug !== null ? `${data.namespace}/${data.slug}` : data.id,
    title: data.name === '' ? null : data.name,
    description: data.description ?? '',
    version: null,
    status: 'active',
    statusMessage: null,
    repository,
    folder,
    website: data.url,
    license: data.spdxLicense?.name ?? null,
    publishedAt: null,
    updatedAt: null,
    document: { packages: [], remotes: [] },
  }
}

/** Of several servers in one repository each has the page of its folder. */
function place(url: string | null): { repository: string | null; folder: string } {
  const [, repository, folder = ''] =
    /^(https:\/\/[^?#]+?)\/(?:-\/)?tree\/[^/]+\/([^?#]+)$/.exec(url ?? '') ?? []
  return repository === undefined ? { repository: url, folder: '' } : { repository, folder }
}
