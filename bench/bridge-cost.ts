// npm run bench -- bridge: what the bridge costs, as ratios to a bare node:http server that answers the same calls.
// Absolute figures depend on the machine and its mood; only figures of one run can be compared.
//   --json      one JSON document instead of a table
//   --seconds N for each measurement (3)
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { LoadResult } from './load.ts'

interface Cell {
  readonly name: string
  readonly concurrency: number
  readonly tool: 'echo' | 'big'
  readonly bytes: number
}

interface Row {
  readonly cell: string
  readonly direct: LoadResult
  readonly bridge: LoadResult
  /** Calls a second, bridge to direct: higher is better, 1 is the limit. */
  readonly rateRatio: number
  /** Median and 99th percentile, bridge to direct: lower is better. */
  readonly p50Ratio: number
  readonly p99Ratio: number
  /**
   * Processor time a call, bridge (without its server's process) to direct; null where /proc does not tell. The
   * figure to look at on a machine that has other things to do.
   */
  readonly cpuRatio: number | null
}

const CELLS: readonly Cell[] = [
  { name: 'echo, 1 at a time', concurrency: 1, tool: 'echo', bytes: 16 },
  { name: 'echo, 16 at a time', concurrency: 16, tool: 'echo', bytes: 16 },
  { name: 'echo, 128 at a time', concurrency: 128, tool: 'echo', bytes: 16 },
  { name: 'result of 100 KiB, 8 at a time', concurrency: 8, tool: 'big', bytes: 102_400 },
  { name: 'result of 4 MiB, 4 at a time', concurrency: 4, tool: 'big', bytes: 4_194_304 },
]
const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, seconds: { type: 'string', default: '3' } },
})

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))

/** A server under measurement; its first line on stdout is its URL. */
async function start(script: string): Promise<{ url: string; process: ChildProcess }> {
  const child = spawn(process.execPath, [path(script)], { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  lines.once('line', resolve)
  child.once('exit', (code) => reject(new Error(`${script} ended with exit code ${String(code)}`)))
  return { url: await promise, process: child }
}

async function stop(child: ChildProcess): Promise<void> {
  child.kill('SIGTERM')
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}

/** Processor time that a process has used, in ticks. */
function ticksOf(child: ChildProcess): number | null {
  if (process.platform !== 'linux') return null
  const stat = readFileSync(`/proc/${String(child.pid)}/stat`, 'latin1')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return Number(fields[11]) + Number(fields[12])
}

interface Measured extends LoadResult {
  readonly ticksPerCall: number | null
}

async function measure(server: { url: string; process: ChildProcess }, cell: Cell): Promise<Measured> {
  const before = ticksOf(server.process)
  const result = await load(server.url, cell)
  const after = ticksOf(server.process)
  return {
    ...result,
    ticksPerCall: before === null || after === null ? null : (after - before) / result.calls,
  }
}

async function load(url: string, cell: Cell): Promise<LoadResult> {
  const words = [path('load.ts'), url, cell.concurrency, values.seconds, cell.tool, cell.bytes].map(String)
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] })
  let out = ''
  for await (const text of child.stdout.setEncoding('utf8')) out += String(text)
  // The last line of our own load client.
  return JSON.parse(out) as LoadResult
}

const direct = await start('direct.ts')
const bridge = await start('bridge.ts')
const rows: Row[] = []
for (const cell of CELLS) {
  const base = await measure(direct, cell)
  const ours = await measure(bridge, cell)
  rows.push({
    cell: cell.name,
    direct: base,
    bridge: ours,
    rateRatio: ours.callsPerSecond / base.callsPerSecond,
    p50Ratio: ours.p50Ms / base.p50Ms,
    p99Ratio: ours.p99Ms / base.p99Ms,
    cpuRatio:
      ours.ticksPerCall === null || base.ticksPerCall === null ? null : ours.ticksPerCall / base.ticksPerCall,
  })
}
await Promise.all([stop(direct.process), stop(bridge.process)])

if (values.json) process.stdout.write(`${JSON.stringify({ node: process.version, rows }, null, 2)}\n`)
else {
  const lines = rows.map(({ cell, direct: base, bridge: ours, rateRatio, p50Ratio, p99Ratio, cpuRatio }) =>
    [
      cell.padEnd(32),
      `${base.callsPerSecond.toFixed(0)}/s`.padStart(10),
      `${ours.callsPerSecond.toFixed(0)}/s`.padStart(10),
      `${rateRatio.toFixed(2)}×`.padStart(8),
      `${p50Ratio.toFixed(2)}×`.padStart(8),
      `${p99Ratio.toFixed(2)}×`.padStart(8),
      (cpuRatio === null ? '?' : `${cpuRatio.toFixed(2)}×`).padStart(8),
      String(base.errors + ours.errors).padStart(8),
    ].join(' '),
  )
  const titles = ['direct', 'bridge', 'rate', 'p50', 'p99', 'cpu', 'errors']
  const head = ''.padEnd(32) + titles.map((title, i) => title.padStart(i < 2 ? 11 : 9)).join('')
  process.stdout.write(`${[head, ...lines].join('\n')}\n`)
}
