import type { JsonObject } from '../../domain/index.ts'
import { RPC, type Envelope } from '../../protocol/index.ts'
import { isObject } from '../processes/handshake.ts'
import { objectAt } from './input-requests.ts'

/**
 * The pages that a legacy server wants its client to have visited before it repeats the call (2025-11-25, error -32042),
 * as letters of `inputRequests` without braces; null for any other answer, and for a client that opens no pages.
 */
export function elicitedUrls(line: Buffer, { error }: Envelope, declared: JsonObject): string | null {
  if (error === null) return null
  const { elicitation } = declared
  if (!isObject(elicitation) || !('url' in elicitation)) return null
  const { code, data } = objectAt(line, error)
  if (code !== RPC.urlElicitationRequired || !isObject(data) || !Array.isArray(data['elicitations']))
    return null
  const asked = (data['elicitations'] as unknown[]).filter(isObject).map((page, index) => {
    const { elicitationId: _, ...params } = page
    return [`r${index + 1}`, { method: 'elicitation/create', params: { ...params, mode: 'url' } }] as const
  })
  if (asked.length === 0) return null
  return Buffer.from(JSON.stringify(Object.fromEntries(asked)).slice(1, -1)).toString('latin1')
}
