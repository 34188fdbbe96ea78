import type { Pressure } from './measure.ts'

export interface Cell {
  readonly name: string
  readonly pressure: Omit<Pressure, 'seconds'>
  /** Only for ours: other bridges cannot do it. */
  readonly server?: 'legacy' | 'modern'
}

const LEGACY = { era: 'legacy', capable: false } as const
const echo = (concurrency: number, more: Partial<Pressure> = {}) =>
  ({ ...LEGACY, sessions: 1, concurrency, tool: 'echo', bytes: 16, ...more }) as const
const big = (concurrency: number, bytes: number) =>
  ({ ...LEGACY, sessions: 1, concurrency, tool: 'big', bytes }) as const

/** What everybody is measured with. */
export const CELLS = {
  one: { name: 'echo, 1 at a time', pressure: echo(1) },
  some: { name: 'echo, 16 at a time', pressure: echo(16) },
  many: { name: 'echo, 128 at a time', pressure: echo(128) },
  sessions: { name: 'echo, 16 at a time, 50 sessions', pressure: echo(16, { sessions: 50 }) },
  large: { name: 'results of 100 KiB, 8 at a time', pressure: big(8, 102_400) },
  huge: { name: 'results of 4 MiB, 4 at a time', pressure: big(4, 4_194_304) },
} as const satisfies Readonly<Record<string, Cell>>

/** What only ours is measured with, beside the bare server's figure for 16 at a time. */
export const OWN_CELLS: readonly Cell[] = [
  {
    name: 'echo, 16 at a time, 4 sessions with capabilities',
    pressure: echo(16, { sessions: 4, capable: true }),
  },
  { name: 'echo, 16 at a time, 2026-07-28, legacy server', pressure: echo(16, { era: 'modern' }) },
  {
    name: 'echo, 16 at a time, 2026-07-28, modern server',
    pressure: echo(16, { era: 'modern' }),
    server: 'modern',
  },
  { name: 'echo, 16 at a time, handshake, modern server', pressure: echo(16), server: 'modern' },
]

export type CellName = keyof typeof CELLS
