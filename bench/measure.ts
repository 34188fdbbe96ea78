import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Connection } from './connection.ts'
import type { Load, LoadResult } from './load.ts'
import { callOf, endSession, headOf, openSession, type Manner } from './mcp-client.ts'
import { treeOf } from './processes.ts'
import type { Running, Start } from './subjects.ts'

export interface Measured extends LoadResult {
  /** Processor time of the subject's own process a call, in microseconds; null where the system does not tell. */
  readonly cpuMicros: number | null
}

const MIB = 1_048_576
const SETTLE_MS = 2000
/** V8 gives memory back only when it has been idle for a while. */
const IDLE_MS = 15_000
const settle = (ms = SETTLE_MS) => new Promise((resolve) => setTimeout(resolve, ms))

export type Pressure = Omit<Load, 'url' | 'headers'>
const mannerOf = ({ url, headers }: Running): Manner => ({
  url,
  headers,
  era: 'legacy',
  capable: false,
})

/** One run of the load client. */
export async function measureLoad(running: Running, pressure: Pressure): Promise<Measured> {
  const before = treeOf(running.pid)
  const load: Load = { ...pressure, url: running.url, headers: running.headers }
  const script = fileURLToPath(new URL('load.ts', import.meta.url))
  const child = spawn(process.execPath, [script, JSON.stringify(load)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let out = ''
  for await (const text of child.stdout.setEncoding('utf8')) out += String(text)
  // The last line of our own load client.
  const result = JSON.parse(out) as LoadResult
  const after = treeOf(running.pid)
  if (before === null || after === null) return { ...result, cpuMicros: null }
  return { ...result, cpuMicros: ((after.cpuSeconds - before.cpuSeconds) / result.calls) * 1e6 }
}

/** Opens sessions, and ends them or just goes away. */
async function openMany(manner: Manner, count: number, then: 'delete' | 'abandon'): Promise<void> {
  const open = async () => {
    const connection = await Connection.open(Number(new URL(manner.url).port))
    try {
      const session = await openSession(connection, manner)
      if (then === 'delete' && session !== null) await endSession(connection, manner, session)
    } finally {
      connection.close()
    }
  }
  for (let opened = 0; opened < count; opened += 5) {
    await Promise.all(Array.from({ length: Math.min(5, count - opened) }, open))
  }
}

export interface MemoryResult {
  readonly idleMiB: number
  /** With 50 sessions open, each. */
  readonly perSessionMiB: number
  /** After 200 more sessions were opened and abandoned. */
  readonly abandonedMiB: number
  /** Processes below it in the end, beyond those it had. */
  readonly processesMore: number
}

/** @param deletedFirst sessions that are opened and deleted before those that are abandoned: what V8 compiles of a server that has just been started, 15 MiB, is no growth */
export async function measureMemory(running: Running, deletedFirst: number): Promise<MemoryResult | null> {
  const mibOf = () => (treeOf(running.pid)?.rss ?? 0) / MIB
  await settle()
  const first = treeOf(running.pid)
  if (first === null) return null
  const idleMiB = first.rss / MIB
  await openMany(mannerOf(running), 50, 'abandon')
  await settle()
  const perSessionMiB = (mibOf() - idleMiB) / 50
  await openMany(mannerOf(running), deletedFirst, 'delete')
  await settle(IDLE_MS)
  const base = mibOf()
  await openMany(mannerOf(running), 200, 'abandon')
  await settle(IDLE_MS)
  const processesMore = (treeOf(running.pid)?.below ?? 0) - first.below
  return { idleMiB, perSessionMiB, abandonedMiB: mibOf() - base, processesMore }
}

/** Resident MiB more after 100,000 calls and some rest, when calls of the same kind were made before. */
export async function measureAfterCalls(running: Running): Promise<number | null> {
  const pressure = { ...mannerOf(running), sessions: 1, concurrency: 16, tool: 'echo', bytes: 16 } as const
  const call = async (count: number) => {
    for (let calls = 0; calls < count;) {
      calls += (await measureLoad(running, { ...pressure, seconds: 1 })).calls
    }
    await settle(IDLE_MS)
    return treeOf(running.pid)
  }
  const before = await call(20_000)
  const after = await call(100_000)
  return before === null || after === null ? null : (after.rss - before.rss) / MIB
}

/** Milliseconds from the start of a process to the answer to a first call. */
export async function measureStart(start: Start): Promise<number> {
  const begun = performance.now()
  await using _ = await start()
  return performance.now() - begun
}

/** Milliseconds from the start of the bench's stdio server by itself to its first answer. */
export async function measureServerStart(): Promise<number> {
  const begun = performance.now()
  const child = spawn(process.execPath, [fileURLToPath(new URL('stdio-server.ts', import.meta.url))], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  child.stdin.write('{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}\n')
  await once(child.stdout, 'data')
  const ms = performance.now() - begun
  child.stdin.end()
  await once(child, 'exit')
  return ms
}

/** Milliseconds from the message that kills the server until the last of 20 callers in flight has an answer. */
export async function measureCrash(running: Running): Promise<number | null> {
  const manner = mannerOf(running)
  const port = Number(new URL(running.url).port)
  const opening = await Connection.open(port)
  const session = await openSession(opening, manner)
  const call = async (name: string, id: number) => {
    const connection = await Connection.open(port)
    const limit = setTimeout(() => connection.close(), 10_000)
    const answer = connection.request(headOf(manner, session, name), callOf(manner, id, name, {}))
    return answer
      .then(() => true)
      .catch(() => false)
      .finally(() => {
        clearTimeout(limit)
        connection.close()
      })
  }
  const waiting = Array.from({ length: 20 }, (_, id) => call('wait', id))
  await settle(300)
  const begun = performance.now()
  const ended = await Promise.all([...waiting, call('crash', 99)])
  opening.close()
  return ended.every(Boolean) ? performance.now() - begun : null
}
