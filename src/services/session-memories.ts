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

interface Write {
  run(): Promise<void>
  readonly note: SessionNote | null
  /** Those who wait for it, and for what it took the place of. */
  readonly tell: readonly (() => void)[]
}
type Ended = Map<string, number>

const RETRY_MS = 1000
/** Nobody waits longer than this for a database that does not answer. */
const WAIT_MS = 2000

/** A session's end is known here at once. It and what a client asks for are written before they are acknowledged. */
export function createSessionMemories(options: SessionMemoryOptions): SessionMemories {
  const { db, clock, logger, delayMs = 5 } = options
  const opened = new Map<string, Ended>()
  /** By session: the newest of it that is not written yet, and the note in it. */
  const pending = new Map<string, Write>()
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
      await write.run()
      return true
    } catch (error) {
      logger.warn({ err: error }, 'what a session leaves behind could not be written; it is tried again')
      return false
    } finally {
      for (const tell of write.tell) tell()
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
        const { tell = [] } = pending.get(keyOf(id)) ?? {}
        const run = async () => queries.endMcpSession(db, deploymentId, id, expiresAt)
        const write: Write = { run, note: null, tell }
        pending.set(keyOf(id), write)
        if (await attempt(write)) pending.delete(keyOf(id))
        else schedule(RETRY_MS)
      },
      async keep(id, note, expiresAt) {
        if (ended.has(id)) return
        const { promise, resolve } = Promise.withResolvers<void>()
        const run = async () => queries.keepMcpSession(db, deploymentId, id, note, expiresAt)
        pending.set(keyOf(id), { run, note, tell: [...(pending.get(keyOf(id))?.tell ?? []), resolve] })
        schedule(delayMs)
        const late = setTimeout(resolve, WAIT_MS)
        await promise
        clearTimeout(late)
      },
      async recall(id) {
        try {
          return pending.get(keyOf(id))?.note ?? (await queries.findMcpSession(db, deploymentId, id))
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
