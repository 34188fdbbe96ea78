import type { ParsedInput, RouteName, RouteOutput, Routes } from '../contract/index.ts'
import type { Actor } from '../domain/index.ts'

/** What every handler gets besides its input. */
export interface PublicContext {
  readonly requestId: string
  /** Aborted when the caller leaves or the program stops. */
  readonly signal: AbortSignal
  /** Remote address, null when it is not known. */
  readonly remoteAddress: string | null
  readonly headers: Headers
  /** For streams: the id of the last item that the caller has seen. */
  readonly lastEventId: string | null
  /** Adds a `Set-Cookie` header to the answer. */
  setCookie(value: string): void
}

export interface RequestContext extends PublicContext {
  readonly actor: Actor
  /** Of the browser; null for an API key. */
  readonly sessionId: string | null
}

/** One message of a stream: `data` fits the schema that the contract has for `event`. */
type StreamItem<Events> = {
  [E in keyof Events & string]: {
    /** Comes back as `Last-Event-ID`. */
    readonly id: string
    readonly event: E
    readonly data: NonNullable<Events[E]>
  }
}[keyof Events & string]

/** What a stream's handler yields. */
export type StreamOf<N extends RouteName> = StreamItem<RouteOutput<N>>

type ContextOf<N extends RouteName> = Routes[N]['access'] extends 'public' ? PublicContext : RequestContext

type ResultOf<N extends RouteName> = Routes[N] extends { stream: true }
  ? AsyncIterable<StreamOf<N>>
  : RouteOutput<N>

/**
 * One handler per route of the contract. A stream's handler resolves only once it knows that there is something to
 * stream: what it throws before is an ordinary error answer, what the iteration throws just ends the stream.
 */
export type Handlers = {
  readonly [N in RouteName]: (context: ContextOf<N>, input: ParsedInput<N>) => Promise<ResultOf<N>>
}
