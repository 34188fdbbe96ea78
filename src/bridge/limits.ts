const MIB = 1_048_576
const MINUTE_MS = 60_000

/** What a bridge allows itself and its clients. Sizes in bytes, times in milliseconds. */
export interface BridgeLimits {
  /** One message, in either direction. */
  readonly maxMessageBytes: number
  /** Objects and arrays within one another in a client's message. */
  readonly maxDepth: number
  /** Bodies that are being read or wait for the server to take them, all together. More is answered with 503. */
  readonly maxInboundBytes: number
  /** Processes for sessions that cannot share one. */
  readonly maxOwnProcesses: number
  /** A process of one session is ended after this time without a call; its session goes on in a new one. */
  readonly ownIdleMs: number
  /** A session that nobody uses is forgotten after this time; its token brings it back. */
  readonly sessionIdleMs: number
  /** Age at which a session ends. */
  readonly sessionMaxAgeMs: number
  /** For a server to answer the handshake of a session. */
  readonly handshakeMs: number
  /** Silence after which a waiting answer becomes an event stream, and streams show that they are alive. */
  readonly keepAliveMs: number
  /** For a modern client to come back with the input that a legacy server asked for. */
  readonly holdMs: number
  /** For a call of a modern client to wait for a process that it can have to itself. */
  readonly borrowMs: number
  /** Event streams of modern clients that listen for changes. */
  readonly maxListeners: number
  /** For a request of the server to wait for its client to listen. */
  readonly unheardMs: number
  /** How long an event stream can be resumed after it has ended. */
  readonly resumeMs: number
  /** What one stream keeps for resumption. */
  readonly streamBufferBytes: number
  /** What all streams together keep for resumption. */
  readonly replayBytes: number
  /** Unsent bytes of one event stream, and of all answers of a process, at which its output is no longer read. */
  readonly slowStreamBytes: number
  readonly slowTotalBytes: number
  /** A connection that takes nothing for this long while something waits for it is cut. */
  readonly stalledMs: number
}

export const DEFAULT_LIMITS: BridgeLimits = {
  maxMessageBytes: 64 * MIB,
  maxDepth: 200,
  maxInboundBytes: 256 * MIB,
  maxOwnProcesses: 16,
  ownIdleMs: 10 * MINUTE_MS,
  sessionIdleMs: 30 * MINUTE_MS,
  sessionMaxAgeMs: 7 * 24 * 60 * MINUTE_MS,
  handshakeMs: MINUTE_MS,
  keepAliveMs: 15_000,
  holdMs: 5 * MINUTE_MS,
  borrowMs: 15_000,
  maxListeners: 1024,
  unheardMs: 30_000,
  resumeMs: 5 * MINUTE_MS,
  streamBufferBytes: 4 * MIB,
  replayBytes: 64 * MIB,
  slowStreamBytes: 4 * MIB,
  slowTotalBytes: 128 * MIB,
  stalledMs: 10_000,
}
