import {
  insertMembers,
  lettersOf,
  membersOf,
  META_KEYS,
  RPC,
  type Edit,
  type Envelope,
} from '../../protocol/index.ts'
import type { Translate } from '../processes/call.ts'
import type { BridgeContext } from '../context.ts'
import type { ModernRequest } from '../http/modern-request.ts'
import { resultAt } from '../http/tool-headers.ts'
import type { Handshake, Upstream } from '../processes/upstream.ts'

/** Methods whose results say how long they may be kept (2026-07-28, caching). */
const CACHEABLE: ReadonlySet<string> = new Set([
  'tools/list',
  'prompts/list',
  'resources/list',
  'resources/templates/list',
  'resources/read',
])
const OPEN_OBJECT = 0x7b

/** Makes a legacy server's answers those of the modern era: nothing is left out, what is missing is put in. */
export function toModern(context: BridgeContext, upstream: Upstream, request: ModernRequest): Translate {
  const { method } = request
  return (line, answer, edits) => {
    if (answer.error !== null) missingResource(request, line, answer, edits)
    else complete(upstream, method, line, answer, edits)
    if (method === 'tools/list') context.toolHeaders.learn(resultAt(line, answer))
    return false
  }
}

/** Adds the edits by which a legacy result becomes a complete one of the modern era. */
function complete(
  { handshake }: Upstream,
  method: string,
  line: Buffer,
  answer: Envelope,
  edits: Edit[],
): void {
  const { result, resultMeta } = answer
  if (result === null || line[result.start] !== OPEN_OBJECT) return
  const members: string[] = []
  if (answer.resultType === null) members.push('"resultType":"complete"')
  if (CACHEABLE.has(method)) {
    if (answer.ttlMs === null) members.push('"ttlMs":0')
    if (answer.cacheScope === null) members.push('"cacheScope":"private"')
  }
  if (answer.serverInfo === null && handshake !== null) {
    const info = `"${META_KEYS.server}":${serverInfoLetters(handshake)}`
    if (resultMeta === null) members.push(`"_meta":{${info}}`)
    else if (line[resultMeta.start] === OPEN_OBJECT) edits.push(insertMembers(line, resultMeta, info))
  }
  if (members.length > 0) edits.push(insertMembers(line, result, members.join(',')))
}

/** A missing resource has another code in the modern era, and is named (2026-07-28, resources, error handling). */
function missingResource(
  { method, body, envelope }: ModernRequest,
  line: Buffer,
  { error }: Envelope,
  edits: Edit[],
): void {
  if (method !== 'resources/read' || error === null || line[error.start] !== OPEN_OBJECT) return
  const members = membersOf(line, error)
  const span = members.get('code')
  const code = span === undefined ? 0 : Number(lettersOf(line, span))
  if (span === undefined || (code !== RPC.resourceNotFound && code !== RPC.invalidParams)) return
  if (code === RPC.resourceNotFound) edits.push({ span, letters: String(RPC.invalidParams) })
  if (members.has('data') || envelope.uri === null) return
  edits.push(insertMembers(line, error, `"data":{"uri":${lettersOf(body, envelope.uri)}}`))
}

const letters = new WeakMap<Handshake, string>()

function serverInfoLetters(handshake: Handshake): string {
  const known = letters.get(handshake)
  if (known !== undefined) return known
  const made = Buffer.from(JSON.stringify(handshake.result['serverInfo'] ?? null)).toString('latin1')
  letters.set(handshake, made)
  return made
}
