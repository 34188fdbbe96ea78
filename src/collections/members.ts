import {
  anySignal,
  capabilitySetOf,
  fitsName,
  NO_CAPABILITIES,
  prefixedName,
  type Caller,
  type Collection,
  type CollectionMember,
  type JsonObject,
  type Manifest,
} from '../domain/index.ts'
import { META_KEYS } from '../protocol/index.ts'
import { ourMeta, type InnerClient } from './inner-client.ts'
import { isObject } from './json.ts'
import { messagesOf } from './read-answer.ts'
import type { Asking } from './request.ts'

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

/** Asks members on our own behalf, for all clients with the same capabilities alike. */
export interface Members {
  /** Those that there are right now, in order. */
  all(): readonly CollectionMember[]
  byPrefix(prefix: string): CollectionMember | undefined
  /** What all of them list, in order; of one that does not answer what it listed last. Never rejects. */
  list(method: ListMethod, asking: Asking): Promise<readonly Listed[]>
  about(member: CollectionMember, signal: AbortSignal): Promise<About>
  /** A member said that a list of its is another one now. */
  forget(member: CollectionMember): void
  /** Its list as it was read within the last minute, or now. */
  recent(member: CollectionMember, method: ListMethod, asking: Asking): Promise<readonly JsonObject[]>
}

/** What is known of deployments without asking them. */
export interface Known {
  /** What was recorded that clients of this set are offered, for when it does not answer. */
  recorded(deploymentId: string, set: string): Promise<Manifest | null>
  /** Whether clients of this set are known to be offered the same as those without capabilities. */
  isSame(deploymentId: string, set: string): boolean
}

export interface MembersOptions {
  readonly collection: Collection
  readonly client: InnerClient
  readonly isThere: (deploymentId: string) => boolean
  readonly known: Known
  readonly maxMessageBytes: number
}

const ANSWER_MS = 5000
/** A member that did not answer in time is not waited for again for this long. */
const SILENT_MS = 30_000
const MAX_PAGES = 100
const RECENT_MS = 60_000
/** Of all members and capability sets together. */
const MOST_LISTS = 1000
/** Without a subject it is no use of a member, so that nothing is kept awake by it. */
const OURSELVES: Caller = { subject: '', requestId: 'req_collection' }

export function createMembers(options: MembersOptions): Members {
  const { collection, client, isThere, known: knowledge, maxMessageBytes } = options
  const last = new Map<string, { readonly at: number; readonly items: readonly JsonObject[] }>()
  const lastAbout = new Map<string, About>()
  const silentUntil = new Map<string, number>()

  async function ask(
    { deploymentId }: CollectionMember,
    method: string,
    params: JsonObject,
    { declared, signal }: Asking,
  ): Promise<JsonObject> {
    if (performance.now() < (silentUntil.get(deploymentId) ?? 0)) throw new Error('It was silent just now.')
    const message = { jsonrpc: '2.0', id: 1, method, params: { ...params, _meta: ourMeta(declared) } }
    const late = new AbortController()
    const timer = setTimeout(() => {
      silentUntil.set(deploymentId, performance.now() + SILENT_MS)
      late.abort()
    }, ANSWER_MS)
    try {
      const body = Buffer.from(JSON.stringify(message))
      const limit = anySignal([signal, late.signal])
      const answer = await client.post(deploymentId, OURSELVES, { method }, body, limit)
      for await (const bytes of messagesOf(answer, maxMessageBytes)) {
        const heard: unknown = JSON.parse(bytes.toString('utf8'))
        if (!isObject(heard)) continue
        // Nobody is asked anything for a list.
        if (isObject(heard['result']) && heard['result']['resultType'] === 'input_required') break
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
    asking: Asking,
  ): Promise<readonly JsonObject[]> {
    const items: JsonObject[] = []
    let cursor: string | undefined
    for (let page = 0; page < MAX_PAGES; page++) {
      const result = await ask(member, method, cursor === undefined ? {} : { cursor }, asking)
      const part = result[LISTS[method]]
      if (Array.isArray(part)) items.push(...(part as unknown[]).filter(isObject))
      const { nextCursor } = result
      if (typeof nextCursor !== 'string' || nextCursor === cursor) break
      cursor = nextCursor
    }
    return items
  }

  /** A server may start a process for what a client declares, so it is told only where that makes a difference. */
  function askFor({ deploymentId }: CollectionMember, { declared }: Asking): readonly [string, JsonObject] {
    const set = capabilitySetOf(declared)
    return set === null || knowledge.isSame(deploymentId, set) ? [NO_CAPABILITIES, {}] : [set, declared]
  }

  function keep(key: string, items: readonly JsonObject[]): void {
    last.delete(key)
    last.set(key, { at: performance.now(), items })
    for (const oldest of last.keys()) {
      if (last.size <= MOST_LISTS) return
      last.delete(oldest)
    }
  }

  async function listOf(
    member: CollectionMember,
    method: ListMethod,
    asking: Asking,
  ): Promise<readonly JsonObject[]> {
    const { deploymentId } = member
    const [set, declared] = askFor(member, asking)
    const key = keyOf(member, method, set)
    try {
      const items = await pages(member, method, { declared, signal: asking.signal })
      keep(key, items)
      return items
    } catch {
      const known = last.get(key)?.items
      if (known !== undefined) return known
      const manifest = await knowledge.recorded(deploymentId, set).catch(() => null)
      return manifest?.[LISTS[method]] ?? []
    }
  }

  const all = (): readonly CollectionMember[] =>
    collection.members.filter(({ deploymentId }) => isThere(deploymentId))

  return {
    all,
    byPrefix: (prefix) => all().find((member) => member.prefix === prefix),
    async list(method, asking) {
      const lists = await Promise.all(
        all().map(async (member) => {
          const items = await listOf(member, method, asking)
          return items.map((item) => ({ member, item }))
        }),
      )
      return lists.flat()
    },
    async recent(member, method, asking) {
      const known = last.get(keyOf(member, method, askFor(member, asking)[0]))
      if (known !== undefined && performance.now() - known.at < RECENT_MS) return known.items
      return listOf(member, method, asking)
    },
    forget({ deploymentId }) {
      for (const [key, { items }] of last) {
        if (key.startsWith(`${deploymentId} `)) last.set(key, { at: -Infinity, items })
      }
    },
    async about(member, signal) {
      const { deploymentId } = member
      try {
        const discovered = await ask(member, 'server/discover', {}, { declared: {}, signal })
        const { capabilities, instructions, _meta: meta } = discovered
        const serverInfo = isObject(meta) ? meta[META_KEYS.server] : undefined
        const about = {
          capabilities: isObject(capabilities) ? capabilities : {},
          instructions: typeof instructions === 'string' ? instructions : null,
          serverInfo: isObject(serverInfo) ? serverInfo : {},
        }
        lastAbout.set(deploymentId, about)
        return about
      } catch {
        const known =
          lastAbout.get(deploymentId) ??
          (await knowledge.recorded(deploymentId, NO_CAPABILITIES).catch(() => null))
        return known ?? { capabilities: {}, instructions: null, serverInfo: {} }
      }
    },
  }
}

function keyOf({ deploymentId }: CollectionMember, method: ListMethod, set: string): string {
  return `${deploymentId} ${method} ${set}`
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
