import {
  searchesTools,
  splitName,
  type Collection,
  type CollectionMember,
  type JsonObject,
} from '../domain/index.ts'
import { membersOf, META_KEYS, MODERN_VERSIONS, RPC, textOf, type Edit } from '../protocol/index.ts'
import { letters } from './json.ts'
import { listen, type Listening } from './listen.ts'
import { firstOwners, LISTS, renamed, type ListMethod } from './members.ts'
import { ownersOf } from './owners.ts'
import { passOn, toOwnName, type Change, type Passing } from './pass-on.ts'
import { askingFor, paramsOf, type Asking, type Request } from './request.ts'
import { CALL_TOOL, SEARCH_TOOL, searchingTools, searchResult } from './search-tools.ts'

export interface Answering extends Passing, Listening {
  readonly collection: Collection
}

/** Items of one page. Clients that know no cursors see this many. */
const PAGE = 1000
const MAX_INSTRUCTION_LETTERS = 32_768

/** Always the same, so that a member which joins later can be used by those who are connected already. */
const CAPABILITIES: JsonObject = {
  tools: { listChanged: true },
  prompts: { listChanged: true },
  resources: { listChanged: true, subscribe: true },
  completions: {},
  logging: {},
}

/** Answers one request to a collection. @throws Error when a member's answer is cut off or cannot be read */
export async function answer(answering: Answering, request: Request): Promise<void> {
  const { method } = request
  switch (method) {
    case 'server/discover':
      return request.succeed(await discovery(answering, request.signal))
    case 'tools/list':
    case 'prompts/list':
    case 'resources/list':
    case 'resources/templates/list':
      return list(answering, request, method)
    case 'tools/call':
      return callTool(answering, request)
    case 'prompts/get':
      return byName(answering, request)
    case 'resources/read':
      return readResource(answering, request)
    case 'completion/complete':
      return complete(answering, request)
    case 'subscriptions/listen':
      return listen(answering, request)
    default:
      return request.fail(RPC.methodNotFound, 'Method not found')
  }
}

async function discovery({ collection, members }: Answering, signal: AbortSignal): Promise<JsonObject> {
  const all = members.all()
  const abouts = await Promise.all(all.map(async (member) => members.about(member, signal)))
  const parts = all.flatMap(({ prefix }, index) => {
    const instructions = abouts[index]?.instructions ?? ''
    return instructions === '' ? [] : [`## ${prefix}\n\n${instructions}`]
  })
  const intro = `This endpoint brings together ${all.length} servers: ${all.map(({ prefix }) => prefix).join(', ')}. Names of tools and prompts begin with the server that they belong to, and an underscore.`
  return {
    supportedVersions: MODERN_VERSIONS,
    capabilities: CAPABILITIES,
    instructions: [intro, ...parts].join('\n\n').slice(0, MAX_INSTRUCTION_LETTERS),
    ...freshness(collection),
  }
}

function freshness({ name }: Collection): JsonObject {
  const server = { name, version: '1' }
  return { ttlMs: 0, cacheScope: 'private', _meta: { [META_KEYS.server]: server } }
}

async function list(answering: Answering, request: Request, method: ListMethod): Promise<void> {
  const from = offsetOf(paramsOf(request)['cursor'])
  if (from === null) return request.fail(RPC.invalidParams, 'The cursor is not one of ours.')
  const items = await itemsOf(answering, method, askingFor(request))
  const page = items.slice(from, from + PAGE)
  const next = from + PAGE < items.length ? { nextCursor: cursorAt(from + PAGE) } : {}
  return request.succeed({ [LISTS[method]]: page, ...next, ...freshness(answering.collection) })
}

async function itemsOf(
  { collection, members }: Answering,
  method: ListMethod,
  asking: Asking,
): Promise<readonly JsonObject[]> {
  const listed = await members.list(method, asking)
  switch (method) {
    case 'tools/list': {
      const { listing, searchOver } = collection
      return searchesTools(listing, searchOver, listed.length)
        ? searchingTools(
            listed.length,
            members.all().map(({ prefix }) => prefix),
          )
        : renamed(listed)
    }
    case 'prompts/list':
      return renamed(listed)
    case 'resources/list':
      return firstOwners(listed, 'uri').map(({ item }) => item)
    case 'resources/templates/list':
      return firstOwners(listed, 'uriTemplate').map(({ item }) => item)
  }
}

/** A cursor goes through the lists of all members one after the other. */
function cursorAt(offset: number): string {
  return Buffer.from(`c${offset}`).toString('base64url')
}

function offsetOf(cursor: JsonObject[string] | undefined): number | null {
  if (cursor === undefined) return 0
  if (typeof cursor !== 'string') return null
  const [, digits] = /^c(\d{1,7})$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? []
  return digits === undefined ? null : Number(digits)
}

async function callTool(answering: Answering, request: Request): Promise<void> {
  const { line, envelope } = request
  const name = textOf(line, envelope.name)
  if (name === SEARCH_TOOL) return searchTools(answering, request)
  if (name === CALL_TOOL) return callFound(answering, request)
  return byName(answering, request)
}

async function searchTools({ collection, members }: Answering, request: Request): Promise<void> {
  const { line, envelope } = request
  const span = envelope.arguments
  const given = span === null ? {} : (JSON.parse(line.toString('utf8', span.start, span.end)) as JsonObject)
  const result = searchResult(renamed(await members.list('tools/list', askingFor(request))), given)
  if (result === null) return request.fail(RPC.invalidParams, 'query is a text, limit a number from 1 on.')
  return request.succeed({ ...result, _meta: freshness(collection)['_meta'] ?? {} })
}

/** The call inside the call, as if the client had named the tool itself. */
async function callFound(answering: Answering, request: Request): Promise<void> {
  const { line, envelope } = request
  const { arguments: span, name } = envelope
  const inside = span === null || line[span.start] !== 0x7b ? null : membersOf(line, span)
  const wanted = textOf(line, inside?.get('name') ?? null)
  if (span === null || name === null || wanted === undefined)
    return request.fail(RPC.invalidParams, `name is missing in the arguments of ${CALL_TOOL}.`)
  const args = inside?.get('arguments')
  const argumentLetters = args === undefined ? '{}' : line.toString('latin1', args.start, args.end)
  const parts = splitName(wanted)
  const member = parts === null ? undefined : answering.members.byPrefix(parts.prefix)
  if (parts === null || member === undefined) return unknown(request, wanted)
  const given: unknown = JSON.parse(Buffer.from(argumentLetters, 'latin1').toString('utf8'))
  const change = await toOwnName(answering, request, member, parts.name, given)
  const edits: Edit[] = [...change.edits, { span, letters: argumentLetters }]
  await passOn(answering, request, member, { ...change, edits })
}

async function byName(answering: Answering, request: Request): Promise<void> {
  const name = textOf(request.line, request.envelope.name) ?? ''
  const parts = splitName(name)
  const member = parts === null ? undefined : answering.members.byPrefix(parts.prefix)
  if (parts === null || member === undefined) return unknown(request, name)
  await passOn(answering, request, member, await toOwnName(answering, request, member, parts.name))
}

async function unknown(request: Request, name: string): Promise<void> {
  const what = request.method === 'prompts/get' ? 'prompt' : 'tool'
  await request.fail(RPC.invalidParams, `Unknown ${what}: ${name.slice(0, 200)}`)
}

async function readResource(answering: Answering, request: Request): Promise<void> {
  const uri = textOf(request.line, request.envelope.uri)
  if (uri === undefined) return request.fail(RPC.invalidParams, 'uri is missing.')
  const owners = await ownersOf(answering.members, uri, askingFor(request))
  for (const [index, owner] of owners.entries()) {
    const isLast = index === owners.length - 1
    if (await passOn(answering, request, owner, { edits: [], name: uri }, isLast)) return
  }
  await request.fail(RPC.invalidParams, `Resource not found: ${uri.slice(0, 200)}`)
}

/** Completion of a prompt's argument, or of a variable of a template. */
async function complete(answering: Answering, request: Request): Promise<void> {
  const { line, envelope } = request
  const params = envelope.params === null ? null : membersOf(line, envelope.params)
  const span = params?.get('ref')
  const ref = span === undefined || line[span.start] !== 0x7b ? null : membersOf(line, span)
  const nameSpan = ref?.get('name')
  const name = textOf(line, nameSpan ?? null)
  const uri = textOf(line, ref?.get('uri') ?? null)
  let member: CollectionMember | undefined
  let change: Change = { edits: [] }
  if (name !== undefined && nameSpan !== undefined) {
    const parts = splitName(name)
    member = parts === null ? undefined : answering.members.byPrefix(parts.prefix)
    change = { edits: [{ span: nameSpan, letters: letters(parts?.name ?? '') }] }
  } else if (uri !== undefined) {
    const templates = await answering.members.list('resources/templates/list', askingFor(request))
    member = firstOwners(templates, 'uriTemplate').find(({ item }) => item['uriTemplate'] === uri)?.member
    member ??= (await ownersOf(answering.members, uri, askingFor(request)))[0]
  }
  if (member === undefined) return request.fail(RPC.invalidParams, 'ref names nothing that is here.')
  await passOn(answering, request, member, change)
}
