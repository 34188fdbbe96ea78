import { CELLS, type CellName } from './cells.ts'
import type { Measured } from './measure.ts'
import type { Figures, Verdict } from './targets.ts'

export interface Report {
  readonly node: string
  /** By subject; `direct` is the bare node:http server. */
  readonly figures: Readonly<Record<string, Figures>>
  /** Ways of calling that others do not have, of the bridge alone; null where it failed. */
  readonly own: readonly { readonly name: string; readonly measured: Measured | null }[]
  readonly verdicts: Readonly<Record<string, readonly Verdict[]>>
  readonly serverStartMs: number
}

/** Three tables: what was measured, what only ours can do, and the targets. */
export function describe(report: Report): string {
  const { figures, own, verdicts } = report
  const direct = figures['direct']
  const lines: string[] = []
  for (const [key, cell] of Object.entries(CELLS)) {
    // Its keys are those of the record.
    const base = direct?.cells[key as CellName]
    lines.push(cell.name, row('', 'calls/s', 'to direct', 'p50', 'p99', 'cpu/call', 'errors'))
    for (const [name, { cells }] of Object.entries(figures)) {
      lines.push(describeCell(name, cells[key as CellName], base))
    }
    lines.push('')
  }
  for (const { name, measured } of own) {
    lines.push(measured === null ? row(name, 'failed') : describeCell(name, measured, direct?.cells.some))
  }
  lines.push('', row('', 'idle', '/session', 'abandoned', '100k', 'start', 'crash'))
  for (const [name, { memory, afterCallsMiB, startMs, crashMs }] of Object.entries(figures)) {
    lines.push(
      row(
        name,
        mib(memory?.idleMiB),
        mib(memory?.perSessionMiB),
        mib(memory?.abandonedMiB),
        mib(afterCallsMiB),
        ms(startMs),
        ms(crashMs),
      ),
    )
  }
  for (const [name, found] of Object.entries(verdicts)) {
    lines.push('', `targets: ${name}`)
    for (const { target, value, limit, met } of found) {
      const mark = met === null ? '?' : met ? '✓' : '✗'
      lines.push(`${mark} ${target.padEnd(58)} ${value === null ? '–' : value.toFixed(2)} (${limit})`)
    }
  }
  return `${lines.join('\n')}\n`
}

function describeCell(name: string, measured: Measured, base: Measured | undefined): string {
  const { callsPerSecond, p50Ms, p99Ms, cpuMicros, errors } = measured
  return row(
    name,
    callsPerSecond.toFixed(0),
    to(callsPerSecond, base?.callsPerSecond),
    to(p50Ms, base?.p50Ms),
    to(p99Ms, base?.p99Ms),
    cpuMicros === null ? '–' : `${cpuMicros.toFixed(0)} µs`,
    String(errors),
  )
}

function row(name: string, ...columns: string[]): string {
  return `  ${name.padEnd(50)}${columns.map((column) => column.padStart(11)).join('')}`
}

function to(value: number, base: number | undefined): string {
  return base === undefined ? '–' : `${(value / base).toFixed(2)}×`
}

function mib(value: number | null | undefined): string {
  return value === null || value === undefined ? '–' : `${value.toFixed(2)} MiB`
}

function ms(value: number | null): string {
  return value === null ? '–' : `${value.toFixed(0)} ms`
}
