import { setTimeout as delay } from 'node:timers/promises'
import type { Caller, CollectionMember, JsonObject } from '../domain/index.ts'
import { META_KEYS, scan, textOf } from '../protocol/index.ts'
import { ourMeta, type InnerClient } from './inner-client.ts'
import { isObject } from './json.ts'
import type { Members } from './members.ts'
import { ownersOf } from './owners.ts'
import { messagesOf } from './read-answer.ts'
import { askingFor, paramsOf, type Request } from './request.ts'
import { anySignal } from '../domain/index.ts'

const FLAGS = {
  toolsListChanged: 'tools',
  promptsListChanged: 'prompts',
  resourcesListChanged: 'resources',
} as const
const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged'
/** For members to say which resources they announce changes of. */
const ACKNOWLEDGE_MS = 5000
const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 30_000
const MAX_URIS = 1000

export interface Listening {
  readonly client: InnerClient
  readonly members: Members
  readonly maxMessageBytes: number
  /** Whether lists may differ from what this client heard last, because the collection was changed. */
  readonly hasChanged: boolean
}

/**
 * Subscribes to each member for what the client wants to hear of it, and goes on until the client leaves. A member that
 * goes away is subscribed to again; a sleeping one is not woken for its lists.
 */
export async function listen(listening: Listening, request: Request): Promise<void> {
  const { notifications: wanted } = paramsOf(request)
  const asked = isObject(wanted) ? wanted : {}
  const flags = Object.keys(FLAGS).filter((flag): flag is keyof typeof FLAGS => asked[flag] === true)
  const uris = await urisByOwner(listening, request, asked['resourceSubscriptions'])
  const honoured = new Set<string>()
  const held: Buffer[] = []
  let isAcknowledged = false
  const hear = async (message: Buffer): Promise<void> => {
    if (isAcknowledged) await request.send(message)
    else held.push(message)
  }

  const members = listening.members.all()
  const following = await Promise.all(
    members.map(async (member) => {
      const filter = await filterFor(listening, request, member, flags, uris.get(member) ?? [])
      return { member, filter }
    }),
  )
  const acknowledged = following
    .filter(({ filter }) => Object.keys(filter).length > 0)
    .map(async ({ member, filter }) => {
      const { promise, resolve } = Promise.withResolvers<void>()
      void follow(listening, request, member, filter, hear, (agreed) => {
        for (const uri of agreed) honoured.add(uri)
        resolve()
      })
      // Only those that have resources to agree to are waited for.
      if (filter['resourceSubscriptions'] !== undefined) await promise
    })
  const enough = new AbortController()
  const limit = delay(ACKNOWLEDGE_MS, undefined, { signal: anySignal([request.signal, enough.signal]) })
  await Promise.race([Promise.all(acknowledged), limit.catch(() => undefined)])
  enough.abort()
  if (request.signal.aborted) return

  await request.send(
    notification(request.id, ACKNOWLEDGED, {
      notifications: {
        ...Object.fromEntries(flags.map((flag) => [flag, true])),
        ...(honoured.size === 0 ? {} : { resourceSubscriptions: [...honoured] }),
      },
    }),
  )
  isAcknowledged = true
  if (listening.hasChanged) await tellChanges(request, flags)
  for (const message of held.splice(0)) await request.send(message)
  await ended(request.signal)
}

/** Reads what a member announces, over and over, until the client leaves. */
async function follow(
  { client, members, maxMessageBytes }: Listening,
  request: Request,
  member: CollectionMember,
  filter: JsonObject,
  hear: (message: Buffer) => Promise<void>,
  agreed: (uris: readonly string[]) => void,
): Promise<void> {
  const { signal, id } = request
  const params = JSON.stringify({ _meta: ourMeta(), notifications: filter })
  // The same number as the request's, so that what comes under it needs no change.
  const body = Buffer.from(`{"jsonrpc":"2.0","id":${id},"method":"subscriptions/listen","params":${params}}`)
  const caller: Caller = { subject: request.caller?.subject ?? '', requestId: 'req_collection' }
  for (let pauseMs = FIRST_PAUSE_MS, isFirst = true; !signal.aborted; isFirst = false) {
    try {
      const repeated = { method: 'subscriptions/listen' }
      const answer = await client.post(member.deploymentId, caller, repeated, body, signal)
      for await (const message of messagesOf(answer, maxMessageBytes)) {
        const heard = scan(message, { maxDepth: 1000, trusted: true })
        if ('length' in heard) continue
        if (heard.method === null) break
        if (textOf(message, heard.method) === ACKNOWLEDGED) {
          pauseMs = FIRST_PAUSE_MS
          agreed(urisIn(message))
          // What changed while nobody listened was heard by nobody.
          if (!isFirst) await tellChanges(request, Object.keys(filter).filter(isFlag))
        } else {
          members.forget(member)
          await hear(message)
        }
      }
    } catch {
      // Cut off, or not there: again after a pause.
    }
    members.forget(member)
    agreed([])
    await delay(pauseMs, undefined, { signal }).catch(() => undefined)
    pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2)
  }
}

/** What a member announces of what the client wants to hear. */
async function filterFor(
  { members }: Listening,
  { signal }: Request,
  member: CollectionMember,
  flags: readonly (keyof typeof FLAGS)[],
  uris: readonly string[],
): Promise<JsonObject> {
  const { capabilities } = await members.about(member, signal)
  const announced = flags.filter((flag) => {
    const capability = capabilities[FLAGS[flag]]
    return isObject(capability) && capability['listChanged'] === true
  })
  return {
    ...Object.fromEntries(announced.map((flag) => [flag, true])),
    ...(uris.length === 0 ? {} : { resourceSubscriptions: uris }),
  }
}

async function urisByOwner(
  { members }: Listening,
  request: Request,
  wanted: JsonObject[string] | undefined,
): Promise<ReadonlyMap<CollectionMember, string[]>> {
  const owned = new Map<CollectionMember, string[]>()
  const uris = Array.isArray(wanted) ? (wanted as unknown[]).slice(0, MAX_URIS) : []
  for (const uri of uris) {
    if (typeof uri !== 'string') continue
    // One that several members may have is announced by nobody.
    const [owner, ...more] = await ownersOf(members, uri, askingFor(request))
    if (owner === undefined || more.length > 0) continue
    owned.set(owner, [...(owned.get(owner) ?? []), uri])
  }
  return owned
}

async function tellChanges(request: Request, flags: readonly string[]): Promise<void> {
  for (const flag of flags.filter(isFlag)) {
    await request.send(notification(request.id, `notifications/${FLAGS[flag]}/list_changed`, {}))
  }
}

function isFlag(flag: string): flag is keyof typeof FLAGS {
  return Object.hasOwn(FLAGS, flag)
}

function notification(id: string, method: string, params: JsonObject): string {
  const meta = `"_meta":{"${META_KEYS.subscription}":${id}}`
  const members = JSON.stringify(params).slice(1, -1)
  return `{"jsonrpc":"2.0","method":"${method}","params":{${meta}${members === '' ? '' : `,${members}`}}}`
}

function urisIn(message: Buffer): readonly string[] {
  const heard: unknown = JSON.parse(message.toString('utf8'))
  const params = isObject(heard) ? heard['params'] : undefined
  const notifications = isObject(params) ? params['notifications'] : undefined
  const uris = isObject(notifications) ? notifications['resourceSubscriptions'] : undefined
  return Array.isArray(uris) ? (uris as unknown[]).filter((uri) => typeof uri === 'string') : []
}

async function ended(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  const { promise, resolve } = Promise.withResolvers<void>()
  signal.addEventListener('abort', () => resolve(), { once: true })
  await promise
}
