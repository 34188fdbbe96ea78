import {
  fitsName,
  prefixedName,
  type Caller,
  type Collection,
  type CollectionMember,
  type JsonObject,
  type Manifest,
} from '../domain/index.ts'
import { META_KEYS } from '../protocol/index.ts'
import { OUR_META, type InnerClient } from './inner-client.ts'
import { isObject } from './json.ts'
import { messagesOf } from './read-answer.ts'

/** The lists that members have, by the request for each. */
export const LISTS = {
  'tools/list': 'tools',
  'prompts/list': 'prompts',
  'resources/list': 'resources',
  'resources/templates/list': 'resourceTemplates',
} as const
export type ListMethod = keyof typeof LISTS

/** What a member says of itself. */
export interface About {
  readonly capabilities: JsonObject
  readonly instructions: string | null
  readonly serverInfo: JsonObject
}

/** An item of a list, and whose it is. */
export interface Listed {
  readonly member: CollectionMember
  /** As the member has it. */
  readonly item: JsonObject
}

/** Asks members on our own behalf, for all clients alike. */
export interface Members {
  /** Those that there are right now, in order. */
  all(): readonly CollectionMember[]
  byPrefix(prefix: string): CollectionMember | undefined
  /** What all of them list, in order; of one that does not answer what it listed last. Never rejects. */
  list(method: ListMethod, signal: AbortSignal): Promise<readonly Listed[]>
  /** The same of one of them. */
  listOf(member: CollectionMember, method: ListMethod, signal: AbortSignal): Promise<readonly JsonObject[]>
  about(member: CollectionMember, signal: AbortSignal): Promise<About>
  /** A member said that a list of its is another one now. */
  forget(member: CollectionMember): void
  /** Its list as it was read within the last minute, or now. */
  recent(member: CollectionMember, method: ListMethod, signal: AbortSignal): Promise<readonly JsonObject[]>
}

export interface MembersOptions {
  readonly collection: Collection
  readonly client: InnerClient
  readonly isThere: (deploymentId: string) => boolean
  /** What was recorded of a deployment, for when it does not answer. */
  readonly recorded: (deploymentId: string) => Promise<Manifest | null>
  readonly maxMessageBytes: number
}

const ANSWER_MS = 5000
/** A member that did not answer in time is not waited for again for this long. */
const SILENT_MS = 30_000
const MAX_PAGES = 100
const RECENT_MS = 60_000
/** Without a subject it is no use of a member, so that nothing is kept awake by it. */
const OURSELVES: Caller = { subject: '', requestId: 'req_collection' }

export function createMembers(options: MembersOptions): Members {
  const { collection, client, isThere, recorded, maxMessageBytes } = options
  const last = new Map<string, { readonly at: number; readonly items: readonly JsonObject[] }>()
  const lastAbout = new Map<string, About>()
  const silentUntil = new Map<string, number>()

  async function ask(
    { deploymentId }: CollectionMember,
    method: string,
    params: JsonObject,
    signal: AbortSignal,
  ): Promise<JsonObject> {
    if (performance.now() < (silentUntil.get(deploymentId) ?? 0)) throw new Error('It was silent just now.')
    const message = { jsonrpc: '2.0', id: 1, method, params: { ...params, _meta: OUR_META } }
    const late = new AbortController()
    const timer = setTimeout(() => {
      silentUntil.set(deploymentId, performance.now() + SILENT_MS)
      late.abort()
    }, ANSWER_MS)
    try {
      const body = Buffer.from(JSON.stringify(message))
      const limit = AbortSignal.any([signal, late.signal])
      const answer = await client.post(deploymentId, OURSELVES, { method }, body, limit)
      for await (const bytes of messagesOf(answer, maxMessageBytes)) {
        const heard: unknown = JSON.parse(bytes.toString('utf8'))
        if (!isObject(heard)) continue
        if (isObject(heard['result'])) return heard['result']
        // A member without such things has an empty list of them.
        if (answer.statusCode === 404 && isObject(heard['error'])) return {}
        if ('error' in heard) break
      }
    } finally {
      clearTimeout(timer)
    }
    throw new Error(`${method} was not answered.`)
  }

  async function pages(
    member: CollectionMember,
    method: ListMethod,
    signal: AbortSignal,
  ): Promise<readonly JsonObject[]> {
    const items: JsonObject[] = []
    let cursor: string | undefined
    for (let page = 0; page < MAX_PAGES; page++) {
      const result = await ask(member, method, cursor === undefined ? {} : { cursor }, signal)
      const part = result[LISTS[method]]
      if (Array.isArray(part)) items.push(...(part as unknown[]).filter(isObject))
      const { nextCursor } = result
      if (typeof nextCursor !== 'string' || nextCursor === cursor) break
      cursor = nextCursor
    }
    return items
  }

  async function listOf(
    member: CollectionMember,
    method: ListMethod,
    signal: AbortSignal,
  ): Promise<readonly JsonObject[]> {
    const key = `${method} ${member.deploymentId}`
    try {
      const items = await pages(member, method, signal)
      last.set(key, { at: performance.now(), items })
      return items
    } catch {
      const known = last.get(key)?.items
      if (known !== undefined) return known
      const manifest = await recorded(member.deploymentId).catch(() => null)
      return manifest?.[LISTS[method]] ?? []
    }
  }

  const all = (): readonly CollectionMember[] =>
    collection.members.filter(({ deploymentId }) => isThere(deploymentId))

  return {
    all,
    byPrefix: (prefix) => all().find((member) => member.prefix === prefix),
    listOf,
    async list(method, signal) {
      const lists = await Promise.all(
        all().map(async (member) => {
          const items = await listOf(member, method, signal)
          return items.map((item) => ({ member, item }))
        }),
      )
      return lists.flat()
    },
    async recent(member, method, signal) {
      const known = last.get(`${method} ${member.deploymentId}`)
      if (known !== undefined && performance.now() - known.at < RECENT_MS) return known.items
      return listOf(member, method, signal)
    },
    forget({ deploymentId }) {
      for (const [key, { items }] of last) {
        if (key.endsWith(` ${deploymentId}`)) last.set(key, { at: -Infinity, items })
      }
    },
    async about(member, signal) {
      const { deploymentId } = member
      try {
        const { capabilities, instructions, _meta: meta } = await ask(member, 'server/discover', {}, signal)
        const serverInfo = isObject(meta) ? meta[META_KEYS.server] : undefined
        const about = {
          capabilities: isObject(capabilities) ? capabilities : {},
          instructions: typeof instructions === 'string' ? instructions : null,
          serverInfo: isObject(serverInfo) ? serverInfo : {},
        }
        lastAbout.set(deploymentId, about)
        return about
      } catch {
        const known = lastAbout.get(deploymentId) ?? (await recorded(deploymentId).catch(() => null))
        return known ?? { capabilities: {}, instructions: null, serverInfo: {} }
      }
    },
  }
}

/** Items under their names in the collection; those whose names would be too long are left out. */
export function renamed(items: readonly Listed[]): readonly JsonObject[] {
  return items.flatMap(({ member: { prefix }, item }) => {
    const { name } = item
    return typeof name === 'string' && fitsName(prefix, name)
      ? [{ ...item, name: prefixedName(prefix, name) }]
      : []
  })
}

/** Items of which the first member that lists a URI has it. */
export function firstOwners(items: readonly Listed[], key: 'uri' | 'uriTemplate'): readonly Listed[] {
  const seen = new Set<unknown>()
  return items.filter(({ item }) => {
    if (seen.has(item[key])) return false
    seen.add(item[key])
    return true
  })
}
