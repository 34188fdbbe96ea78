import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Caller, HeldStream } from '../../domain/index.ts'
import { acceptsEvents, RPC } from '../../protocol/index.ts'
import { connect } from '../sessions/connect.ts'
import type { BridgeContext } from '../context.ts'
import { findSession } from '../sessions/find-session.ts'
import { refuse, respondEmpty } from './respond.ts'
import type { Session } from '../sessions/session.ts'
import { LISTEN_STREAM } from '../sessions/session-store.ts'

/** Streamable HTTP, GET: the stream of the session as a whole, or one that was cut, from where it was. */
export function handleGet(
  context: BridgeContext,
  req: IncomingMessage,
  res: ServerResponse,
  caller: Caller,
): void {
  if (!acceptsEvents(req.headers.accept)) {
    return refuse(res, 406, caller.requestId, RPC.serverError, 'Accept must list text/event-stream.')
  }
  const session = findSession(context, req, res, caller)
  if (session === null) return
  const held = { req, res, caller, body: null }
  // A session that comes back after a restart is told what may have changed. Its own process waits for a call.
  if (!session.own) Promise.resolve(connect(context, session)).catch(() => undefined)

  const lastEventId = req.headers['last-event-id']
  if (lastEventId === undefined) {
    listen(context, session, held)
    return
  }
  const event = parseEventId(String(lastEventId))
  const stream = event === null ? undefined : session.streams.get(event.stream)
  if (event !== null && stream === undefined && event.stream.endsWith(`.${LISTEN_STREAM}`)) {
    // The session's stream at an earlier bridge: nothing of it is left, but it goes on.
    listen(context, session, held)
    return
  }
  if (stream?.complete(event?.number ?? 0) === true) {
    // As for any event source: this tells the client not to come again.
    return respondEmpty(res, 204, caller.requestId)
  }
  if (stream === undefined || event === null || !stream.attach(res, caller.requestId, event.number)) {
    refuse(
      res,
      400,
      caller.requestId,
      RPC.serverError,
      'Last-Event-ID is not known, or too old to go on from.',
    )
  }
}

/** Its connection can outlive the bridge, when the server falls asleep. */
function listen({ openStreams }: BridgeContext, session: Session, held: HeldStream): void {
  openStreams.set(held.res, held)
  held.res.once('close', () => openStreams.delete(held.res))
  session.listen.attach(held.res, held.caller.requestId, null)
}

function parseEventId(id: string): { stream: string; number: number } | null {
  const match = /^([\w-]+\.(?:\d+|listen))\.(\d{1,15})$/.exec(id)
  return match?.[1] === undefined ? null : { stream: match[1], number: Number(match[2]) }
}
