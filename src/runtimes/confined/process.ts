import { constants } from 'node:os'
import type { Readable, Writable } from 'node:stream'

export interface ProcessEnd {
  readonly exitCode: number | null
  readonly signal: string | null
  readonly outOfMemory: boolean
}

const SIGNALS: ReadonlyMap<number, string> = new Map(
  Object.entries(constants.signals).map(([name, number]) => [number, name]),
)

/** What starts programs for us reports one that a signal ended as exit code 128 + signal, as shells do. */
export function decodeExit(
  exitCode: number | null,
  signal: string | null = null,
): Pick<ProcessEnd, 'exitCode' | 'signal'> {
  const inner = exitCode === null ? undefined : SIGNALS.get(exitCode - 128)
  return inner === undefined ? { exitCode, signal } : { exitCode: null, signal: inner }
}

/** A program that runs confined. Whoever started it must read stdout and stderr to their ends. */
export interface ConfinedProcess {
  readonly stdin: Writable
  readonly stdout: Readable
  readonly stderr: Readable
  /** Settles once, after the program and everything it started are gone. Never rejects. */
  readonly ended: Promise<ProcessEnd>
  /** What leads to its port, where it was run with one: the path of a Unix socket, or `host:port`. */
  readonly way?: string
  /** What it and everything it started hold in memory now, in MiB; null where this cannot be known. */
  memoryMiB(): Promise<number | null>
  /** The processor time that it and everything it started have used, in ms; not there, or null, where this cannot be known. */
  cpuMs?(): Promise<number | null>
  /** Asks the program to end. */
  terminate(): Promise<void>
  /** Ends it and everything it started. */
  kill(): void
}
