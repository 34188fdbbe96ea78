import { hash } from 'node:crypto'
import {
  capabilitySetOf,
  NO_CAPABILITIES,
  type CatwalkError,
  type JsonObject,
  type ToolRules,
} from '../../domain/index.ts'
import { membersOf, scan, splice, textOf, type Bytes, type Envelope } from '../../protocol/index.ts'
import { isListed } from '../asleep/from-manifest.ts'
import type { Call } from '../processes/call.ts'
import type { BridgeContext } from '../context.ts'
import { isObject } from '../processes/handshake.ts'
import { resultAt } from '../http/tool-headers.ts'
import type { Upstream } from '../processes/upstream.ts'
import { isAnother, isLookedAt, lookAtOffers } from './offers.ts'

/** A request and the bytes that it stands in. */
export interface Entered {
  readonly body: Buffer
  readonly envelope: Envelope
}

const SCAN = { maxDepth: 1000, trusted: true } as const
const NOTHING = {}

/**
 * A client's request under the name that the server itself has for the tool, or why it goes no further. Only the name is
 * spliced: every other byte stays. A request that calls no tool of another name is returned as it is.
 */
export function enter(rules: ToolRules, request: Entered): Entered | CatwalkError {
  const { body, envelope } = request
  if (textOf(body, envelope.method) !== 'tools/call') return request
  const name = textOf(body, envelope.name)
  if (name === undefined || envelope.name === null) return request
  const own = rules.enter(name)
  if (typeof own !== 'string') return own
  return own === name ? request : withName(request, envelope.name, own)
}

function withName({ body, envelope }: Entered, span: NonNullable<Envelope['name']>, name: string): Entered {
  const letters = Buffer.from(JSON.stringify(name)).toString('latin1')
  const spliced = toBuffer(splice(body, envelope, [{ span, letters }]))
  const found = scan(spliced, SCAN)
  // One message stays one message, whatever a string in it says.
  if ('length' in found) throw new Error('a message became several')
  return { body: spliced, envelope: found }
}

/**
 * What the call of a client has that asks for a list. The first of a client with capabilities has all looked at that the
 * server offers such clients.
 * @param told what the server knows of the client's capabilities
 */
export function relisting(
  context: BridgeContext,
  upstream: Upstream,
  method: string,
  told: () => JsonObject,
): Pick<Call, 'relist'> {
  const { tools } = context
  if (tools === null || !isListed(method)) return NOTHING
  const declared = told()
  const set = capabilitySetOf(declared)
  if (set !== null && set !== NO_CAPABILITIES) void lookAtOffers(context, tools, upstream, { set, declared })
  if (method !== 'tools/list') return NOTHING
  return {
    relist(answer, line, envelope) {
      const { result } = envelope
      if (result !== null && !isLookedAt(tools, set)) {
        const digest = hash('sha1', line.subarray(result.start, result.end))
        // The same list again says nothing new, and lists are long.
        if (isAnother(tools, set, digest)) {
          const { tools: listed } = resultAt(line, envelope)
          if (Array.isArray(listed)) tools.saw((listed as unknown[]).filter(isObject))
        }
      }
      return tools.rules === null ? answer : relist(tools.rules, answer)
    },
  }
}

/** An answer to `tools/list` as clients are to see it. Anything else in it stays byte for byte. */
export function relist(rules: ToolRules, answer: Bytes): Bytes {
  const line = toBuffer(answer)
  const found = scan(line, SCAN)
  if ('length' in found || found.result === null) return answer
  const span = membersOf(line, found.result).get('tools')
  if (span === undefined) return answer
  const tools: unknown = JSON.parse(line.toString('utf8', span.start, span.end))
  if (!Array.isArray(tools)) return answer
  const shown = rules.show((tools as unknown[]).filter(isObject))
  return splice(line, found, [{ span, letters: Buffer.from(JSON.stringify(shown)).toString('latin1') }])
}

function toBuffer(bytes: Bytes): Buffer {
  return typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : Buffer.concat(bytes)
}
