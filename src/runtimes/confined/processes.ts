import type { ChildProcess } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'

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

/** What a tick of /proc is on every Linux. */
const TICK_MS = 10

/** The processor time of a process and everything below it, the ended ones that were waited for included, in ms. */
export async function cpuMsOf(pid: number): Promise<number> {
  const [stat, children] = await Promise.all([
    readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ''),
    childrenOf(pid),
  ])
  // utime, stime, cutime and cstime (proc(5)); they follow the name, which is in brackets and may hold anything.
  const ticks = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 15)
  const own = ticks.reduce((sum, text) => sum + (Number(text) || 0), 0) * TICK_MS
  const below = await Promise.all(children.map(cpuMsOf))
  return below.reduce((sum, ms) => sum + ms, own)
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
