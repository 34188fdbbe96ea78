import { execFile } from 'node:child_process'
import { readdir, readFile, readlink, rm } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { Logger } from '../../domain/index.ts'

const POLL_MS = 20

/**
 * Ends what a killed program left running on a database directory: its postmaster, or backends whose postmaster was
 * killed as well. The caller holds the data directory's lock, so nothing that runs there has a living owner. Then
 * removes postmaster.pid, because PostgreSQL refuses to start while the number in it belongs to any other process.
 */
export async function stopLeftovers(
  databaseDirectory: string,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  let running = await processesOf(databaseDirectory)
  if (running.length > 0)
    logger.warn({ processes: running }, 'stopping a database that a former run left behind')
  const postmaster = await recordedPid(databaseDirectory)
  // SIGINT is a fast shutdown for the postmaster alone; to a backend it means something else.
  const fast = running.filter((pid) => pid === postmaster)
  if (fast.length > 0) running = await end(fast, 'SIGINT', 10_000)
  if (running.length > 0) running = await end(running, 'SIGQUIT', 3_000)
  if (running.length > 0) running = await end(running, 'SIGKILL', 5_000)
  if (running.length > 0) throw new Error(`processes ${running.join(', ')} still use ${databaseDirectory}`)
  await rm(path.join(databaseDirectory, 'postmaster.pid'), { force: true })

  async function end(pids: readonly number[], signalName: NodeJS.Signals, waitMs: number): Promise<number[]> {
    for (const pid of pids) tryKill(pid, signalName)
    const deadline = performance.now() + waitMs
    for (;;) {
      const left = await processesOf(databaseDirectory)
      if (left.length === 0 || performance.now() > deadline) return left
      await delay(POLL_MS, undefined, { signal })
    }
  }
}

function tryKill(pid: number, signalName: NodeJS.Signals): void {
  try {
    process.kill(pid, signalName)
  } catch {
    // It ended meanwhile.
  }
}

/** First line of postmaster.pid, null when there is none. */
async function recordedPid(databaseDirectory: string): Promise<number | null> {
  const text = await readFile(path.join(databaseDirectory, 'postmaster.pid'), 'utf8').catch(() => '')
  const pid = Number.parseInt(text, 10)
  return Number.isInteger(pid) && pid > 1 ? pid : null
}

/** Processes that work in the directory. PostgreSQL's all do, and a reused process number does not. */
export async function processesOf(directory: string): Promise<number[]> {
  if (process.platform !== 'linux') return processesByCommand(directory)
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const found = await Promise.all(
    pids.map(async (pid) =>
      (await readlink(`/proc/${pid}/cwd`).catch(() => '')) === directory ? Number(pid) : null,
    ),
  )
  return found.filter((pid) => pid !== null)
}

/** Without /proc only the postmaster can be told, by its `-D directory`; its children end with it. */
async function processesByCommand(directory: string): Promise<number[]> {
  const { stdout } = await promisify(execFile)('ps', ['-axo', 'pid=,command='], {
    maxBuffer: 16 * 1024 * 1024,
  })
  return stdout
    .split('\n')
    .filter((line) => line.includes(`/bin/postgres -D ${directory} `))
    .map((line) => Number.parseInt(line, 10))
}
