import type { ChildProcess } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import type { Readable, Writable } from 'node:stream'

export interface ProcessEnd {
  readonly exitCode: number | null
  readonly signal: string | null
  readonly outOfMemory: boolean
}

/** A program that runs confined. Whoever started it must read stdout and stderr to their ends. */
export interface ConfinedProcess {
  readonly stdin: Writable
  readonly stdout: Readable
  readonly stderr: Readable
  /** Settles once, after the program and everything it started are gone. Never rejects. */
  readonly ended: Promise<ProcessEnd>
  /** What it and everything it started hold in memory now, in MiB; null where this cannot be known. */
  memoryMiB(): Promise<number | null>
  /** Asks the program to end. */
  terminate(): Promise<void>
  /** Ends it and everything it started. */
  kill(): void
}

/** Sends a signal; a process that is gone is no error. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It was gone already.
  }
}

/** The direct children of a process, as the host numbers them. */
export async function childrenOf(pid: number): Promise<readonly number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
  return text.split(' ').filter(Boolean).map(Number)
}

const GONE_INTERVAL_MS = 5
const GONE_LIMIT_MS = 5_000

/** Waits until a process that is not our child has ended; a zombie has. Gives up after five seconds. */
export async function untilGone(pid: number): Promise<void> {
  await untilFalse(async () => (await livingGroup(pid)) !== null)
}

/** Waits until nothing of a process group is left, except for zombies. Gives up after five seconds. */
export async function untilGroupGone(group: number): Promise<void> {
  await untilFalse(async () => {
    try {
      process.kill(-group, 0)
    } catch {
      return false
    }
    // Nobody may have reaped them yet, which no signal can tell; nor can a system without /proc.
    const names = await readdir('/proc').catch(() => null)
    if (names === null) return true
    const pids = names.map(Number).filter((pid) => !Number.isNaN(pid))
    return (await Promise.all(pids.map(livingGroup))).includes(group)
  })
}

async function untilFalse(condition: () => Promise<boolean>): Promise<void> {
  const giveUpAt = performance.now() + GONE_LIMIT_MS
  while (performance.now() < giveUpAt && (await condition())) {
    await new Promise((resolve) => setTimeout(resolve, GONE_INTERVAL_MS))
  }
}

/** The process group of a process; null when it has ended. */
async function livingGroup(pid: number): Promise<number | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null)
  if (stat === null) return null
  // They follow the name, which is in brackets and may hold anything.
  const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return state === 'Z' || state === 'X' ? null : Number(group)
}

export interface ChildEnd {
  readonly exitCode: number | null
  readonly signal: string | null
}

/** How a child ended. Never rejects; a child that could not be started counts as exited with 127. */
export async function childExit(child: ChildProcess): Promise<ChildEnd> {
  if (child.exitCode !== null || child.signalCode !== null) {
    return { exitCode: child.exitCode, signal: child.signalCode }
  }
  return new Promise((resolve) => {
    child.once('exit', (exitCode, signal) => resolve({ exitCode, signal }))
    // Also for errors that change nothing, such as a message that the child no longer takes.
    child.on('error', () => {
      if (child.pid === undefined) resolve({ exitCode: 127, signal: null })
    })
  })
}
