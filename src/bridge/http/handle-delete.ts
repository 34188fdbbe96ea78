import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Caller } from '../../domain/index.ts'
import type { BridgeContext } from '../context.ts'
import { endSession } from '../sessions/end-session.ts'
import { findSession } from '../sessions/find-session.ts'
import { respondEmpty } from './respond.ts'

/** Streamable HTTP, DELETE: the client has no more use for its session. */
export function handleDelete(
  context: BridgeContext,
  req: IncomingMessage,
  res: ServerResponse,
  caller: Caller,
): void {
  const session = findSession(context, req, res, caller)
  if (session === null) return
  void endSession(context, session).then(() => respondEmpty(res, 200, caller.requestId))
}
