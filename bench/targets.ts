import type { CellName } from './cells.ts'
import type { Measured, MemoryResult } from './measure.ts'

/** What was measured of one subject. */
export interface Figures {
  readonly cells: Readonly<Record<CellName, Measured>>
  readonly memory: MemoryResult | null
  /** Resident MiB more after 100,000 calls. */
  readonly afterCallsMiB: number | null
  readonly startMs: number | null
  readonly crashMs: number | null
}

export interface Base {
  readonly direct: Figures
  /** Calls a second of the best other bridge; null without peers. */
  readonly bestPeer: Readonly<Partial<Record<CellName, number>>>
  /** How long the stdio server takes by itself. */
  readonly serverStartMs: number
}

export interface Verdict {
  readonly target: string
  readonly value: number | null
  readonly limit: number
  /** Null where it was not measured. */
  readonly met: boolean | null
}

interface Target {
  readonly name: string
  /** Of the bridge alone, and of a deployed endpoint; null where there is none. */
  readonly limits: readonly [number | null, number | null]
  readonly better: 'more' | 'less'
  readonly value: (ours: Figures, base: Base) => number | null
}

const rate = ({ cells }: Figures, cell: CellName) => cells[cell].callsPerSecond
const toDirect =
  (cell: CellName) =>
  (ours: Figures, { direct }: Base) =>
    rate(ours, cell) / rate(direct, cell)
const toPeers =
  (cell: CellName) =>
  (ours: Figures, { bestPeer }: Base) => {
    const peer = bestPeer[cell]
    return peer === undefined ? null : rate(ours, cell) / peer
  }

const TARGETS: readonly Target[] = [
  {
    name: 'calls a second to the best other bridge, 16 at a time',
    limits: [9, 7],
    better: 'more',
    value: toPeers('some'),
  },
  {
    name: 'calls a second to the best other bridge, 128 at a time',
    limits: [9, 7],
    better: 'more',
    value: toPeers('many'),
  },
  {
    name: 'calls a second to bare node:http, 16 at a time',
    limits: [0.65, 0.5],
    better: 'more',
    value: toDirect('some'),
  },
  {
    name: 'median latency to bare node:http, 1 at a time',
    limits: [1.9, 2.2],
    better: 'less',
    value: ({ cells }, { direct }) => cells.one.p50Ms / direct.cells.one.p50Ms,
  },
  {
    name: '99th percentile to bare node:http, 16 at a time',
    limits: [2, 2.5],
    better: 'less',
    value: ({ cells }, { direct }) => cells.some.p99Ms / direct.cells.some.p99Ms,
  },
  {
    name: 'processor time a call to bare node:http, 16 at a time',
    limits: [1.7, 2.2],
    better: 'less',
    value: ({ cells }, { direct }) => ratio(cells.some.cpuMicros, direct.cells.some.cpuMicros),
  },
  {
    name: 'calls a second with 50 sessions to 1, 16 at a time',
    limits: [0.8, 0.8],
    better: 'more',
    value: (ours) => rate(ours, 'sessions') / rate(ours, 'some'),
  },
  {
    name: 'results of 100 KiB to bare node:http',
    limits: [0.6, 0.55],
    better: 'more',
    value: toDirect('large'),
  },
  {
    name: 'results of 4 MiB to bare node:http',
    limits: [0.85, 0.8],
    better: 'more',
    value: toDirect('huge'),
  },
  {
    name: 'resident MiB, idle',
    limits: [60, null],
    better: 'less',
    value: ({ memory }) => memory?.idleMiB ?? null,
  },
  {
    name: 'resident MiB a session, process shared',
    limits: [0.1, 0.1],
    better: 'less',
    value: ({ memory }) => memory?.perSessionMiB ?? null,
  },
  {
    name: 'resident MiB more after 200 abandoned sessions',
    limits: [3, 3],
    better: 'less',
    value: ({ memory }) => memory?.abandonedMiB ?? null,
  },
  {
    name: 'processes more after 200 abandoned sessions',
    limits: [0, 0],
    better: 'less',
    value: ({ memory }) => memory?.processesMore ?? null,
  },
  {
    name: 'resident MiB more after 100,000 calls',
    limits: [3, 3],
    better: 'less',
    value: ({ afterCallsMiB }) => afterCallsMiB,
  },
  {
    name: "ms from start to first answer, over the server's own",
    limits: [100, null],
    better: 'less',
    value: ({ startMs }, { serverStartMs }) => (startMs === null ? null : startMs - serverStartMs),
  },
  {
    name: 'ms until 20 callers know of a crash',
    limits: [100, 100],
    better: 'less',
    value: ({ crashMs }) => crashMs,
  },
  {
    name: 'errors',
    limits: [0, 0],
    better: 'less',
    value: ({ cells }) => Object.values(cells).reduce((sum, { errors }) => sum + errors, 0),
  },
]

function ratio(value: number | null, base: number | null): number | null {
  return value === null || base === null ? null : value / base
}

/** @param which 0: the bridge alone, 1: a deployed endpoint */
export function judge(ours: Figures, base: Base, which: 0 | 1): Verdict[] {
  return TARGETS.flatMap(({ name, limits, better, value: valueOf }) => {
    const limit = limits[which]
    if (limit === null) return []
    const value = valueOf(ours, base)
    const met = value === null ? null : better === 'more' ? value >= limit : value <= limit
    return [{ target: name, value, limit, met }]
  })
}
