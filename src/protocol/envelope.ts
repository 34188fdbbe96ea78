/** A range of bytes, `end` exclusive. */
export interface Span {
  readonly start: number
  readonly end: number
}

/**
 * Where the parts of one JSON-RPC message are that a bridge reads or replaces. Spans of strings include the quotes.
 * Everything else in the message stays as it is, unread.
 */
export interface Envelope {
  readonly start: number
  readonly end: number
  readonly jsonrpc: Span | null
  readonly id: Span | null
  readonly method: Span | null
  readonly params: Span | null
  readonly result: Span | null
  readonly error: Span | null
  /** `params.name`: a tool or a prompt. */
  readonly name: Span | null
  /** `params.uri`: a resource. */
  readonly uri: Span | null
  /** `params.level` of `logging/setLevel` and `notifications/message`. */
  readonly level: Span | null
  /** `params.requestId` of `notifications/cancelled`. */
  readonly requestId: Span | null
  /** `params.taskId`: what requests and notifications about tasks are about. */
  readonly taskId: Span | null
  /** `params.progressToken` of `notifications/progress`. */
  readonly reportToken: Span | null
  /** `params._meta`. */
  readonly meta: Span | null
  /** `params._meta.progressToken`: what the sender wants progress reports under. */
  readonly progressToken: Span | null
  /** `params._meta["io.modelcontextprotocol/protocolVersion"]`, which marks a request of the modern era. */
  readonly metaVersion: Span | null
  /** The other members of the modern era's envelope in `params._meta`. */
  readonly metaClient: Span | null
  readonly metaCapabilities: Span | null
  readonly metaLogLevel: Span | null
  /** `params._meta["io.modelcontextprotocol/subscriptionId"]` of a notification. */
  readonly subscriptionId: Span | null
  /** `params.arguments` of a call. */
  readonly arguments: Span | null
  /** `params.inputResponses` and `params.requestState` of a retry. */
  readonly inputResponses: Span | null
  readonly requestState: Span | null
  /** `result.resultType`, `result.ttlMs`, `result.cacheScope`, `result.isError`, `result._meta`. */
  readonly resultType: Span | null
  readonly ttlMs: Span | null
  readonly cacheScope: Span | null
  readonly isError: Span | null
  /** `result.structuredContent`. */
  readonly structured: Span | null
  readonly resultMeta: Span | null
  /** `result.supportedVersions` of `server/discover`. */
  readonly supportedVersions: Span | null
  /** In `result._meta`: who answers, and which subscription ends. */
  readonly serverInfo: Span | null
  readonly endedSubscription: Span | null
}

type Field = Exclude<keyof Envelope, 'start' | 'end'>
/** An envelope while it is being found. */
export type Draft = { -readonly [K in keyof Envelope]: Envelope[K] }

export interface Member {
  readonly name: string
  readonly field: Field
  /** The members to look for inside this one. */
  readonly inside: MemberTable | null
}
/** Members by the length of their name, which decides most look-ups with one comparison. */
export type MemberTable = ReadonlyMap<number, readonly Member[]>

/** Members of `_meta` that the modern era reserves (2026-07-28, basic, `_meta`). */
export const META_KEYS = {
  version: 'io.modelcontextprotocol/protocolVersion',
  client: 'io.modelcontextprotocol/clientInfo',
  capabilities: 'io.modelcontextprotocol/clientCapabilities',
  logLevel: 'io.modelcontextprotocol/logLevel',
  subscription: 'io.modelcontextprotocol/subscriptionId',
  server: 'io.modelcontextprotocol/serverInfo',
} as const

function table(members: readonly Member[]): MemberTable {
  return Map.groupBy(members, (member) => member.name.length)
}

const META = table([
  { name: 'progressToken', field: 'progressToken', inside: null },
  { name: META_KEYS.version, field: 'metaVersion', inside: null },
  { name: META_KEYS.client, field: 'metaClient', inside: null },
  { name: META_KEYS.capabilities, field: 'metaCapabilities', inside: null },
  { name: META_KEYS.logLevel, field: 'metaLogLevel', inside: null },
  { name: META_KEYS.subscription, field: 'subscriptionId', inside: null },
])
const PARAMS = table([
  { name: 'name', field: 'name', inside: null },
  { name: 'uri', field: 'uri', inside: null },
  { name: 'level', field: 'level', inside: null },
  { name: 'requestId', field: 'requestId', inside: null },
  { name: 'taskId', field: 'taskId', inside: null },
  { name: 'progressToken', field: 'reportToken', inside: null },
  { name: '_meta', field: 'meta', inside: META },
  { name: 'arguments', field: 'arguments', inside: null },
  { name: 'inputResponses', field: 'inputResponses', inside: null },
  { name: 'requestState', field: 'requestState', inside: null },
])
const RESULT_META = table([
  { name: META_KEYS.server, field: 'serverInfo', inside: null },
  { name: META_KEYS.subscription, field: 'endedSubscription', inside: null },
])
const RESULT = table([
  { name: 'resultType', field: 'resultType', inside: null },
  { name: 'ttlMs', field: 'ttlMs', inside: null },
  { name: 'cacheScope', field: 'cacheScope', inside: null },
  { name: 'isError', field: 'isError', inside: null },
  { name: 'structuredContent', field: 'structured', inside: null },
  { name: 'supportedVersions', field: 'supportedVersions', inside: null },
  { name: '_meta', field: 'resultMeta', inside: RESULT_META },
])
/** What is looked for in a message, level by level. */
export const ENVELOPE = table([
  { name: 'jsonrpc', field: 'jsonrpc', inside: null },
  { name: 'id', field: 'id', inside: null },
  { name: 'method', field: 'method', inside: null },
  { name: 'params', field: 'params', inside: PARAMS },
  { name: 'result', field: 'result', inside: RESULT },
  { name: 'error', field: 'error', inside: null },
])

export function emptyEnvelope(start: number): Draft {
  return {
    start,
    end: 0,
    jsonrpc: null,
    id: null,
    method: null,
    params: null,
    result: null,
    error: null,
    name: null,
    uri: null,
    level: null,
    requestId: null,
    taskId: null,
    reportToken: null,
    meta: null,
    progressToken: null,
    metaVersion: null,
    metaClient: null,
    metaCapabilities: null,
    metaLogLevel: null,
    subscriptionId: null,
    arguments: null,
    inputResponses: null,
    requestState: null,
    resultType: null,
    ttlMs: null,
    cacheScope: null,
    isError: null,
    structured: null,
    resultMeta: null,
    supportedVersions: null,
    serverInfo: null,
    endedSubscription: null,
  }
}
