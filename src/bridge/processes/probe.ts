import {
  CatwalkError,
  RpcError,
  type JsonObject,
  type Manifest,
  type Offers,
  type ServerEra,
} from '../../domain/index.ts'
import { LATEST_MODERN, META_KEYS, RPC } from '../../protocol/index.ts'
import { ask } from './ask.ts'
import { OUR_META } from './era.ts'
import { isObject, refusal } from './handshake.ts'
import type { Upstream } from './upstream.ts'

/** A list that has more pages than this does not end. */
const MAX_PAGES = 1000

/**
 * What a server says of itself: the result of its first request and every list, with all its pages.
 * @throws CatwalkError `server_silent`, `server_exited`, `server_not_mcp`, `server_refused`
 */
export async function probe(upstream: Upstream, era: ServerEra, signal: AbortSignal): Promise<Manifest> {
  return {
    era,
    protocolVersion: versionOf(upstream),
    serverInfo: serverInfoOf(upstream),
    ...(await offersTo(upstream, {}, signal)),
  }
}

/**
 * What a server offers clients that declare these capabilities; a process of the legacy era was told of them. A server
 * that cannot list its resources or prompts, because it cannot reach what they come from, is none the worse for its tools.
 * @throws CatwalkError like {@link probe}
 */
export async function offersTo(
  upstream: Upstream,
  declared: JsonObject,
  signal: AbortSignal,
): Promise<Offers> {
  const isPlain = Object.keys(declared).length === 0
  const discovered =
    upstream.era === 'legacy' || isPlain
      ? upstream.discovered
      : await asked(upstream, 'server/discover', metaFor(upstream, declared), signal)
  const { capabilities, instructions } = upstream.handshake?.result ?? discovered ?? {}
  const offered = isObject(capabilities) ? capabilities : {}
  const list = async (capability: string, method: string, member: string): Promise<JsonObject[]> =>
    capability in offered ? collect(upstream, method, member, signal, declared) : []
  const listIfAble: typeof list = async (...what) =>
    list(...what).catch((error: unknown) => {
      if (error instanceof CatwalkError && error.code === 'server_refused') return []
      throw error
    })
  const [tools, resources, resourceTemplates, prompts] = await Promise.all([
    list('tools', 'tools/list', 'tools'),
    listIfAble('resources', 'resources/list', 'resources'),
    listIfAble('resources', 'resources/templates/list', 'resourceTemplates'),
    listIfAble('prompts', 'prompts/list', 'prompts'),
  ])
  return {
    capabilities: offered,
    instructions: typeof instructions === 'string' ? instructions : null,
    tools,
    resources,
    resourceTemplates,
    prompts,
  }
}

function versionOf({ handshake }: Upstream): string {
  if (handshake === null) return LATEST_MODERN
  const { protocolVersion } = handshake.result
  return typeof protocolVersion === 'string' ? protocolVersion : handshake.version
}

function serverInfoOf({ handshake, discovered }: Upstream): JsonObject {
  if (handshake !== null) {
    const { serverInfo } = handshake.result
    return isObject(serverInfo) ? serverInfo : {}
  }
  const meta = discovered?.['_meta']
  const serverInfo = isObject(meta) ? meta[META_KEYS.server] : undefined
  return isObject(serverInfo) ? serverInfo : {}
}

/** The items of all pages of a list, as clients that declare these capabilities get it. */
export async function collect(
  upstream: Upstream,
  method: string,
  member: string,
  signal: AbortSignal,
  declared: JsonObject = {},
): Promise<JsonObject[]> {
  const meta = metaFor(upstream, declared)
  const items: JsonObject[] = []
  const seen = new Set<string>()
  for (let cursor: string | undefined; ;) {
    const params = cursor === undefined ? meta : { ...meta, cursor }
    const page = await asked(upstream, method, params, signal)
    const part = page[member]
    if (Array.isArray(part)) for (const item of part as unknown[]) if (isObject(item)) items.push(item)
    const next = page['nextCursor']
    if (typeof next !== 'string') return items
    if (seen.has(next) || seen.size >= MAX_PAGES) {
      throw new CatwalkError('server_refused', `The pages of "${method}" do not end.`)
    }
    seen.add(next)
    cursor = next
  }
}

/** Of each request in the modern era; a legacy process was told at its handshake. */
function metaFor({ era }: Upstream, declared: JsonObject): JsonObject {
  return era === 'modern' ? { _meta: { ...OUR_META, [META_KEYS.capabilities]: declared } } : {}
}

async function asked(
  upstream: Upstream,
  method: string,
  params: JsonObject,
  signal: AbortSignal,
): Promise<JsonObject> {
  try {
    return await ask(upstream, method, params, '', signal)
  } catch (error) {
    if (!(error instanceof RpcError)) throw error
    // Many servers with resources have no templates, and say so this way.
    if (error.rpcCode === RPC.methodNotFound) return {}
    throw refusal(error)
  }
}
