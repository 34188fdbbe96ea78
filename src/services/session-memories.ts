import { queries } from '../db/index.ts'
import {
  CatwalkError,
  type Clock,
  type Logger,
  type SessionMemory,
  type SessionNote,
} from '../domain/index.ts'

/** The session memories of the deployments that have an instance on this node, kept in the database. */
export interface SessionMemories extends AsyncDisposable {
  /** The memory of a deployment, which from now on hears what other nodes end. */
  open(deploymentId: string): Promise<SessionMemory>
  /** Another node, or this one, has ended a session. */
  heardEnd(deploymentId: string, id: string, expiresAt: Date): void
  /** Notifications may have been missed: asks again which sessions were ended. */
  reload(): Promise<void>
}

export interface SessionMemoryOptions {
  readonly db: queries.Handle
  readonly clock: Clock
  readonly logger: Logger
  /** How long changes of one session are collected before they are written. */
  readonly delayMs?: number
}

type Write = () => Promise<void>
type Ended = Map<string, number>

const RETRY_MS = 1000

/** A session's end is known here at once and written before it is acknowledged; what a client asks for, soon after. */
export function createSessionMemories(options: SessionMemoryOptions): SessionMemories {
  const { db, clock, logger, delayMs = 100 } = options
  const opened = new Map<string, Ended>()
  /** By session: the newest of it that is not written yet, and the note in it. */
  const pending = new Map<string, Write>()
  const notes = new WeakMap<Write, SessionNote>()
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> = Promise.resolve()

  async function flush(): Promise<void> {
    timer = undefined
    let failed = false
    for (const [key, write] of pending) {
      if (await attempt(write)) {
        // It may have changed while it was written.
        if (pending.get(key) === write) pending.delete(key)
      } else failed = true
    }
    if (pending.size > 0) schedule(failed ? RETRY_MS : delayMs)
  }

  async function attempt(write: Write): Promise<boolean> {
    try {
      await write()
      return true
    } catch (error) {
      logger.warn({ err: error }, 'what a session leaves behind could not be written; it is tried again')
      return false
    }
  }

  function schedule(afterMs: number): void {
    timer ??= setTimeout(() => {
      writing = writing.then(flush)
    }, afterMs)
  }

  async function load(deploymentId: string, ended: Ended): Promise<void> {
    for (const { id, expires_at: expiresAt } of await queries.endedMcpSessions(db, deploymentId)) {
      ended.set(id, expiresAt.getTime())
    }
  }

  function memoryOf(deploymentId: string, ended: Ended): SessionMemory {
    const keyOf = (id: string) => `${deploymentId} ${id}`
    return {
      isEnded: (id) => ended.has(id),
      async end(id, expiresAt) {
        if (expiresAt <= clock.now()) return
        ended.set(id, expiresAt.getTime())
        const write = () => queries.endMcpSession(db, deploymentId, id, expiresAt)
        pending.set(keyOf(id), write)
        if (await attempt(write)) pending.delete(keyOf(id))
        else schedule(RETRY_MS)
      },
      keep(id, note, expiresAt) {
        if (ended.has(id)) return
        const write = () => queries.keepMcpSession(db, deploymentId, id, note, expiresAt)
        notes.set(write, note)
        pending.set(keyOf(id), write)
        schedule(delayMs)
      },
      async recall(id) {
        try {
          const unwritten = pending.get(keyOf(id))
          const note = unwritten === undefined ? undefined : notes.get(unwritten)
          return note ?? (await queries.findMcpSession(db, deploymentId, id))
        } catch (cause) {
          throw new CatwalkError('unavailable', 'What belongs to the session cannot be read right now.', {
            cause,
          })
        }
      },
    }
  }

  return {
    async open(deploymentId) {
      const ended: Ended = opened.get(deploymentId) ?? new Map<string, number>()
      // Before the query, so that nothing falls between it and the notifications.
      opened.set(deploymentId, ended)
      const now = clock.now().getTime()
      for (const [id, expiresAt] of ended) if (expiresAt <= now) ended.delete(id)
      await load(deploymentId, ended)
      return memoryOf(deploymentId, ended)
    },
    heardEnd(deploymentId, id, expiresAt) {
      opened.get(deploymentId)?.set(id, expiresAt.getTime())
    },
    async reload() {
      for (const [deploymentId, ended] of opened) await load(deploymentId, ended)
    },
    async [Symbol.asyncDispose]() {
      clearTimeout(timer)
      await writing
      await flush()
      clearTimeout(timer)
    },
  }
}
