import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Caller } from '../../domain/index.ts'
import { isLegacyVersion, LEGACY_VERSIONS, RPC } from '../../protocol/index.ts'
import type { BridgeContext } from '../context.ts'
import { endSession } from './end-session.ts'
import { refuse } from '../http/respond.ts'
import type { Session } from './session.ts'

/**
 * The session that a request names. Otherwise answers and returns null: 400 without an id, so that the client is told
 * what it forgot, 404 for one that is not alive, so that it starts again.
 */
export function findSession(
  context: BridgeContext,
  req: IncomingMessage,
  res: ServerResponse,
  caller: Caller,
): Session | null {
  const token = req.headers['mcp-session-id']
  if (typeof token !== 'string' || token === '') {
    refuse(res, 400, caller.requestId, RPC.serverError, 'Mcp-Session-Id is missing. Start with "initialize".')
    return null
  }
  const version = req.headers['mcp-protocol-version']
  if (version !== undefined && (typeof version !== 'string' || !isLegacyVersion(version))) {
    const text = `Unsupported protocol version (supported: ${LEGACY_VERSIONS.join(', ')}).`
    refuse(res, 400, caller.requestId, RPC.serverError, text)
    return null
  }
  const session = context.sessions.find(token, caller.subject)
  const bereft = context.stateful && session !== undefined && session.upstream?.alive !== true
  if (bereft) void endSession(context, session)
  if (session === undefined || bereft) {
    refuse(
      res,
      404,
      caller.requestId,
      RPC.sessionNotFound,
      'Session not found. Start again with "initialize".',
    )
    return null
  }
  return session
}
