/** What a client asked for in a session; its token does not hold it. */
export interface SessionNote {
  /** Least severe level of log messages that it wants; null: it never said. */
  readonly level: string | null
  /** URIs of resources. */
  readonly subscriptions: readonly string[]
}

/**
 * What a deployment's sessions leave behind outside their bridge, so that they go on, or stay ended, in the next one.
 * Sessions are named by the random id in their tokens.
 */
export interface SessionMemory {
  /** Whether the session was ended. No I/O. */
  isEnded(id: string): boolean
  /** Remembers, until `expiresAt`, that the session was ended. Resolves when it is written. Never rejects. */
  end(id: string, expiresAt: Date): Promise<void>
  /**
   * Keeps what the client asked for, until `expiresAt`. Resolves when it is written, or soon if it cannot be right now;
   * then it is tried again. Never rejects.
   */
  keep(id: string, note: SessionNote, expiresAt: Date): Promise<void>
  /**
   * What was kept of the session, null when nothing was.
   * @throws CatwalkError `unavailable` when it cannot be read
   */
  recall(id: string): Promise<SessionNote | null>
}
