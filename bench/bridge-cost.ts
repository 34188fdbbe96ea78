// npm run bench -- bridge: what the bridge costs, as ratios to a bare node:http server that answers the same calls and
// to other bridges. Absolute figures depend on the machine and its mood; only figures of one run can be compared.
//   --peers PATH   a folder whose peers.mjs starts other bridges: { NAME: ({ port, upstream }) => ({ cmd, args, url }) }
//   --only NAMES   of `bridge`, `endpoint` (called with an endpoint token) and `signed-in` (called by somebody who signed
//                  in, OAuth), separated by commas
//   --calls        only calls: no memory, starts and crashes
//   --seconds N    for each measurement (3)
//   --reps N       of each measurement; their median counts (1)
//   --json         one JSON document instead of tables
import { parseArgs } from 'node:util'
import { CELLS, OWN_CELLS, type Cell, type CellName } from './cells.ts'
import {
  measureAfterCalls,
  measureCrash,
  measureLoad,
  measureMemory,
  measureServerStart,
  measureStart,
  type Measured,
} from './measure.ts'
import { describe, type Report } from './report.ts'
import {
  findPeers,
  startBridge,
  startDirect,
  startEndpoint,
  startPassThrough,
  startSignedIn,
  type Running,
  type Start,
} from './subjects.ts'
import { judge, type Base, type Figures } from './targets.ts'

const { values: flags } = parseArgs({
  options: {
    peers: { type: 'string' },
    only: { type: 'string', default: 'bridge,endpoint,signed-in' },
    calls: { type: 'boolean', default: false },
    seconds: { type: 'string', default: '3' },
    reps: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
})
const seconds = Number(flags.seconds)
const reps = Number(flags.reps)
const only = flags.only.split(',')

const note = (text: string) => process.stderr.write(`${text}\n`)
const median = (values: readonly number[]) =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN

const OURS = new Map<string, Start>([
  ['bridge', startBridge],
  ['endpoint', startEndpoint],
  ['signed-in', startSignedIn],
])
const ours = new Map([...OURS].filter(([name]) => only.includes(name)))
const peers = flags.peers === undefined ? new Map<string, Start>() : await findPeers(flags.peers)
/** What the others are measured by; not more than their calls is of interest. */
const bases = new Map([
  ['direct', startDirect],
  ['pass-through', startPassThrough],
])
const subjects = new Map<string, Start>([...bases, ...ours, ...peers])

async function measureCell(running: Running, cell: Cell): Promise<Measured> {
  const runs: Measured[] = []
  for (let rep = 0; rep < reps; rep++) runs.push(await measureLoad(running, { ...cell.pressure, seconds }))
  const of = (key: 'callsPerSecond' | 'p50Ms' | 'p99Ms') => median(runs.map((run) => run[key]))
  const cpu = runs.flatMap(({ cpuMicros }) => cpuMicros ?? [])
  return {
    callsPerSecond: of('callsPerSecond'),
    p50Ms: of('p50Ms'),
    p99Ms: of('p99Ms'),
    errors: runs.reduce((sum, run) => sum + run.errors, 0),
    calls: runs.reduce((sum, run) => sum + run.calls, 0),
    cpuMicros: cpu.length === 0 ? null : median(cpu),
  }
}

/** What others cannot do, or how they cannot even be started, is theirs; ours has to work. */
function leaveOut(name: string, error: unknown): null {
  if (!peers.has(name)) throw error
  note(`${name} is left out: ${String(error)}`)
  return null
}

/** Everybody on the same cell, one after the other, so that a mood of the machine meets all of them. */
async function measureCells(): Promise<Map<string, Figures['cells']>> {
  await using stack = new AsyncDisposableStack()
  const running = new Map<string, Running>()
  for (const [name, start] of subjects) {
    note(`start: ${name}`)
    const started = await start().catch((error: unknown) => leaveOut(name, error))
    if (started !== null) running.set(name, stack.use(started))
  }
  const measured = new Map([...running.keys()].map((name) => [name, new Map<string, Measured>()]))
  for (const [key, cell] of Object.entries(CELLS)) {
    for (const [name, target] of running) {
      note(`${cell.name}: ${name}`)
      measured.get(name)?.set(key, await measureCell(target, cell))
    }
  }
  // Each has an entry for each cell.
  return new Map([...measured].map(([name, cells]) => [name, Object.fromEntries(cells) as Figures['cells']]))
}

async function measureOwn(start: Start): Promise<Report['own']> {
  const found: { name: string; measured: Measured | null }[] = []
  for (const cell of OWN_CELLS) {
    note(cell.name)
    const measured = await startedFor(
      () => start(cell.server),
      (running) => measureCell(running, cell),
    ).catch((error: unknown) => {
      note(String(error))
      return null
    })
    found.push({ name: cell.name, measured })
  }
  return found
}

/** Memory, starts and crashes, each of a fresh one. */
async function measureRest(name: string, start: Start): Promise<Omit<Figures, 'cells'>> {
  const isOurs = ours.has(name)
  const memory = await startedFor(start, (running) => measureMemory(running, isOurs ? 600 : 0))
  const crashMs = await startedFor(start, measureCrash)
  // Others take minutes for as many calls, and no target asks for their growth.
  const afterCallsMiB = isOurs ? await startedFor(start, measureAfterCalls) : null
  // An endpoint is started with a whole program and a deployment.
  if (name === 'endpoint' || name === 'signed-in') return { memory, crashMs, afterCallsMiB, startMs: null }
  const starts: number[] = []
  for (let rep = 0; rep < 5; rep++) starts.push(await measureStart(start))
  return { memory, crashMs, afterCallsMiB, startMs: median(starts) }
}

async function startedFor<T>(start: Start, measure: (running: Running) => Promise<T>): Promise<T> {
  await using running = await start()
  return await measure(running)
}

const cells = await measureCells()
const serverStarts: number[] = []
for (let rep = 0; rep < 5; rep++) serverStarts.push(await measureServerStart())
const NOTHING = { memory: null, crashMs: null, afterCallsMiB: null, startMs: null }
const figures = new Map<string, Figures>()
for (const [name, start] of subjects) {
  const measured = cells.get(name)
  if (measured === undefined) continue
  if (!flags.calls) note(`memory, start and crash: ${name}`)
  const rest =
    bases.has(name) || flags.calls
      ? NOTHING
      : await measureRest(name, start).catch((error: unknown) => leaveOut(name, error))
  figures.set(name, { cells: measured, ...(rest ?? NOTHING) })
}
const direct = figures.get('direct')
if (direct === undefined) throw new Error('nothing was measured')
const best = (cell: CellName) =>
  Math.max(...[...peers.keys()].map((name) => figures.get(name)?.cells[cell].callsPerSecond ?? 0))
const base: Base = {
  direct,
  bestPeer: peers.size === 0 ? {} : { some: best('some'), many: best('many') },
  serverStartMs: median(serverStarts),
}
const report: Report = {
  node: process.version,
  figures: Object.fromEntries(figures),
  own: ours.has('bridge') && !flags.calls ? await measureOwn(startBridge) : [],
  verdicts: Object.fromEntries(
    [...ours.keys()].flatMap((name) => {
      const found = figures.get(name)
      return found === undefined ? [] : [[name, judge(found, base, name === 'bridge' ? 0 : 1)]]
    }),
  ),
  serverStartMs: base.serverStartMs,
}
process.stdout.write(flags.json ? `${JSON.stringify(report, null, 2)}\n` : describe(report))
