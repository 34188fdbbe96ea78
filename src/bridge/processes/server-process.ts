import type { Readable, Writable } from 'node:stream'
import type { Calls } from './call-table.ts'
import type { CatwalkError, InstanceEnd } from '../../domain/index.ts'

/** A running stdio server, or what stands for one. Whoever launched it reads its stderr; the bridge owns stdin and stdout. */
export interface ServerProcess {
  readonly stdin: Writable
  readonly stdout: Readable
  /** Settles once, after the whole process group is gone. Never rejects. */
  readonly ended: Promise<InstanceEnd>
  /**
   * Where the way to the server can fail without the server: tells of requests that will have no answer, by the number
   * that is their id.
   */
  onFailure?(listener: (id: number, error: CatwalkError) => void): void
  /** Closes stdin, waits for at most `graceMs`, then SIGTERM, then SIGKILL to the group. Idempotent. */
  stop(graceMs: number): Promise<void>
  /** For a server that runs in this process: told who sent which request, by the number that is its id. */
  attach?(calls: Pick<Calls, 'get'>): void
}

/**
 * Starts one process of the server. The bridge calls it for the shared process and for each that a session needs.
 * @throws CatwalkError `sandbox_unavailable`, `server_exited`
 */
export type Launch = (signal: AbortSignal) => Promise<ServerProcess>
