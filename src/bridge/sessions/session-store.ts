import { randomBytes } from 'node:crypto'
import {
  isLegacyVersion,
  hasPrimingEvent,
  LATEST_LEGACY,
  openSession,
  sealSession,
  type SessionClaims,
} from '../../protocol/index.ts'
import type { BridgeCore } from '../context.ts'
import { createEventStream, type EventStream } from '../http/event-stream.ts'
import { wantsOwnProcess } from '../processes/process-policy.ts'
import type { Session } from './session.ts'

export interface SessionStore {
  /** Starts a session; its id for the client is `token`. */
  open(claims: Pick<SessionClaims, 'subject' | 'version' | 'clientInfo' | 'capabilities'>): Session
  /**
   * The session of a token: the one in memory, or one made again from what the token holds. Undefined for a token that
   * is forged, of another deployment or subject, expired or ended.
   */
  find(token: string, subject: string): Session | undefined
  /** Forgets the session; its token is refused from now on. Resolves when that is written. Never rejects. */
  end(session: Session): Promise<void>
  /** Keeps what the client asked for with the token. Resolves when that is written. Never rejects. */
  keep(session: Session): Promise<void>
  /** Forgets the session until its token comes back. */
  forget(session: Session): void
  all(): Iterable<Session>
  /** A new stream for the answer to one POST of the session. */
  stream(session: Session): EventStream
}

/** Ended streams that a session can still resume. */
const MAX_STREAMS = 32
export const LISTEN_STREAM = 'listen'

export function createSessionStore(context: BridgeCore): SessionStore {
  const { limits, clock, sealer, memory } = context
  const byToken = new Map<string, Session>()
  let streams = 0

  const expiry = (claims: SessionClaims) => claims.issuedAt * 1000 + limits.sessionMaxAgeMs

  function create(token: string, claims: SessionClaims, isNew: boolean): Session {
    const version = isLegacyVersion(claims.version) ? claims.version : LATEST_LEGACY
    const session: Session = {
      token,
      claims,
      version,
      own: wantsOwnProcess(context, claims.capabilities),
      upstream: null,
      connecting: null,
      listen: createEventStream({
        name: `${context.id}.${LISTEN_STREAM}`,
        priming: hasPrimingEvent(version),
        maxKeptBytes: limits.streamBufferBytes,
        budget: context.budget,
        flow: () => session.upstream?.flow ?? null,
      }),
      streams: new Map(),
      asked: new Map(),
      rounds: new Set(),
      recalled: isNew,
      level: null,
      subscriptions: new Set(),
      callsInFlight: 0,
      usedAt: context.now,
      ended: false,
    }
    session.streams.set(session.listen.name, session.listen)
    byToken.set(token, session)
    return session
  }

  function forget(session: Session): void {
    byToken.delete(session.token)
    for (const stream of session.streams.values()) {
      stream.finish()
      stream.drop()
    }
  }

  return {
    open(input) {
      const claims: SessionClaims = {
        ...input,
        id: randomBytes(16).toString('base64url'),
        issuedAt: Math.floor(clock.now().getTime() / 1000),
        deploymentId: context.deploymentId,
        bridge: context.id,
        ...(context.node === null ? {} : { node: context.node }),
      }
      return create(sealSession(sealer, claims), claims, true)
    },
    find(token, subject) {
      const known = byToken.get(token)
      if (known !== undefined) {
        if (known.claims.subject !== subject || expiry(known.claims) <= clock.now().getTime())
          return undefined
        if (memory.isEnded(known.claims.id)) return undefined
        known.usedAt = context.now
        return known
      }
      const claims = openSession(sealer, token)
      if (claims === undefined || claims.deploymentId !== context.deploymentId) return undefined
      if (claims.subject !== subject || memory.isEnded(claims.id)) return undefined
      return expiry(claims) > clock.now().getTime() ? create(token, claims, false) : undefined
    },
    end(session) {
      if (session.ended) return Promise.resolve()
      session.ended = true
      forget(session)
      return memory.end(session.claims.id, new Date(expiry(session.claims)))
    },
    keep: ({ claims, level, subscriptions }) =>
      memory.keep(claims.id, { level, subscriptions: [...subscriptions] }, new Date(expiry(claims))),
    forget,
    all: () => byToken.values(),
    stream(session) {
      const name = `${context.id}.${++streams}`
      const stream = createEventStream({
        name,
        priming: hasPrimingEvent(session.version),
        maxKeptBytes: limits.streamBufferBytes,
        budget: context.budget,
        flow: () => session.upstream?.flow ?? null,
      })
      session.streams.set(name, stream)
      if (session.streams.size > MAX_STREAMS) dropOldestFinished(session)
      return stream
    },
  }
}

function dropOldestFinished(session: Session): void {
  for (const [name, stream] of session.streams) {
    if (!stream.finished) continue
    stream.drop()
    session.streams.delete(name)
    return
  }
}
