import { readdirSync, readFileSync } from 'node:fs'

export interface Tree {
  /** Resident memory of the process itself, in bytes. */
  readonly rss: number
  /** Processor time of the process itself, in seconds. */
  readonly cpuSeconds: number
  /** The processes below it that live. */
  readonly below: number
}

const TICKS_PER_SECOND = 100
const PAGE_BYTES = 4096

/** What Linux says of a process and of those below it; null elsewhere, or when it is gone. */
export function treeOf(pid: number): Tree | null {
  if (process.platform !== 'linux') return null
  const all = allStats()
  const own = all.find((stat) => stat.pid === pid)
  if (own === undefined) return null
  const below = (parent: number): number =>
    all.filter((stat) => stat.parent === parent).reduce((sum, stat) => sum + 1 + below(stat.pid), 0)
  return { rss: own.rss, cpuSeconds: own.cpuSeconds, below: below(pid) }
}

/** Names of the programs of all living processes below one; empty where that cannot be seen. */
export function programsBelow(pid: number): readonly { readonly pid: number; readonly program: string }[] {
  if (process.platform !== 'linux') return []
  const all = allStats()
  const below = (parent: number): typeof all =>
    all.filter((stat) => stat.parent === parent).flatMap((stat) => [stat, ...below(stat.pid)])
  return below(pid)
}

function allStats() {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => statOf(Number(name)) ?? [])
}

interface Stat {
  readonly pid: number
  readonly program: string
  readonly parent: number
  readonly rss: number
  readonly cpuSeconds: number
}

function statOf(pid: number): Stat | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (fields[0] === 'Z') return null
    return {
      pid,
      program: stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')')),
      parent: Number(fields[1]),
      cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
      rss: Number(fields[21]) * PAGE_BYTES,
    }
  } catch {
    // Ended in between.
    return null
  }
}
