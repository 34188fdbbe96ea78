import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { BridgeLimits } from '../../src/bridge/index.ts'
import { until } from '../support/until.ts'

export interface Memory {
  /** Bytes that are in memory. */
  readonly rss: number
  /** Bytes of objects and buffers that are still referenced. */
  readonly held: number
}

/** A bridge in a process of its own, to be mistreated. */
export interface Abused extends AsyncDisposable {
  readonly url: string
  readonly pid: number
  /** After a garbage collection. */
  memory(): Promise<Memory>
  /** The processes of its servers. */
  children(): number[]
  /** Whether the process is still there. */
  readonly alive: boolean
}

export const MIB = 1_048_576

/**
 * Waits until a process holds less than so many bytes more than it did before, and returns what it has then. What was
 * answered may be held until its last packet has been taken.
 */
export async function untilGivenBack(
  process: Pick<Abused, 'memory'>,
  before: Memory,
  bytes: number,
): Promise<Memory> {
  return until('memory is given back', async () => {
    const now = await process.memory()
    return now.held - before.held < bytes ? now : null
  })
}
const PROGRAM = fileURLToPath(new URL('fixtures/bridge.ts', import.meta.url))

export async function startAbused(
  command: readonly [string, ...string[]],
  limits: Partial<BridgeLimits> = {},
): Promise<Abused> {
  const child = fork(PROGRAM, [JSON.stringify({ command, limits })], {
    execArgv: ['--expose-gc'],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  const ended = once(child, 'exit')
  const answer = async <T>(): Promise<T> => {
    // Sent by our own program.
    const [message] = (await once(child, 'message', { signal: AbortSignal.timeout(20_000) })) as [T]
    return message
  }
  const { url } = await answer<{ url: string }>()
  // A process that answered has an id.
  const pid = child.pid ?? -1
  return {
    url,
    pid,
    get alive() {
      return child.exitCode === null && child.signalCode === null
    },
    memory() {
      child.send('memory')
      return answer<Memory>()
    },
    children: () => childrenOf(pid),
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      const late = setTimeout(() => child.kill('SIGKILL'), 5000)
      await ended
      clearTimeout(late)
    },
  }
}

/** Ids of a process's children. A zombie counts. */
function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
        return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === parent
      } catch {
        return false
      }
    })
}
