import type { Output } from './output.ts'

/**
 * Rows under a heading on a terminal; tab-separated without a heading in a pipe, for `cut` and `awk`.
 * Cells must be clean; `paint` colours one after it was padded.
 */
export function formatTable(
  output: Output,
  heading: readonly string[],
  rows: readonly (readonly string[])[],
  paint: (text: string, column: number, row: readonly string[]) => string = (text) => text,
): string {
  if (output.columns === null) return rows.map((row) => row.join('\t')).join('\n')
  const widths = heading.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)),
  )
  const last = heading.length - 1
  const padded = (row: readonly string[]) =>
    row.map((cell, column) => (column === last ? cell : cell.padEnd(widths[column] ?? 0)))
  return [
    output.style('dim', padded(heading).join('  ')),
    ...rows.map((row) =>
      padded(row)
        .map((cell, column) => paint(cell, column, row))
        .join('  '),
    ),
  ].join('\n')
}

/** Names and values, one pair a line. */
export function formatPairs(
  output: Output,
  pairs: readonly (readonly [name: string, value: string])[],
): string {
  const width = Math.max(...pairs.map(([name]) => name.length))
  return pairs.map(([name, value]) => `${output.style('dim', name.padEnd(width))}  ${value}`).join('\n')
}

/** How long ago, in the largest unit that fits: `3 s`, `12 min`, `5 h`, `9 d`. */
export function formatAge(from: string, now: Date): string {
  const seconds = Math.max(0, Math.round((now.getTime() - Date.parse(from)) / 1000))
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`
  return `${Math.floor(seconds / 86_400)} d`
}

/** A duration for people: `4.2 s`, `75 s`. */
export function formatSeconds(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`
}
