import { readFile } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import { processesMentioning } from '../test/support/processes.ts'
import { programsBelow, treeOf } from './processes.ts'

const MIB = 1_048_576
/** After this a start, and what the database still writes of it, are over. */
const SETTLE_MS = 15_000

export interface ControlPlane {
  /** Resident memory of the program itself. */
  readonly programMiB: number
  /** Of its PostgreSQL, with what its processes share counted once. */
  readonly databaseMiB: number
  /** Processes below the program that are not the database's. */
  readonly servers: number
}

/** What a program and its database take, once it has nothing to do. */
export async function settledControlPlane(dataDir: string): Promise<ControlPlane> {
  await wait(SETTLE_MS)
  return controlPlane(dataDir)
}

/** The same as it is now. */
export async function controlPlane(dataDir: string): Promise<ControlPlane> {
  const found = (await processesMentioning(dataDir)).filter((line) => line.includes(' serve '))
  // The launcher may stand before the program.
  const [program] = found
    .map((line) => ({ pid: Number.parseInt(line, 10), rss: treeOf(Number.parseInt(line, 10))?.rss ?? 0 }))
    .toSorted((one, other) => other.rss - one.rss)
  if (program === undefined) throw new Error('There is no program.')
  const below = programsBelow(program.pid)
  const ofDatabase = below.filter((one) => one.program === 'postgres')
  const shares = await Promise.all(ofDatabase.map(async ({ pid }) => shareMiB(pid)))
  return {
    programMiB: program.rss / MIB,
    databaseMiB: shares.reduce((sum, share) => sum + share, 0),
    servers: below.length - ofDatabase.length,
  }
}

async function shareMiB(pid: number): Promise<number> {
  // Ended in between.
  const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '')
  return Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1] ?? 0) / 1024
}
