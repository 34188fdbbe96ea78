const SECOND_MS = 1000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

/** "0.4 s", "12 s", "2 min 5 s": as precise as one can read. */
export function formatDuration(ms: number): string {
  if (ms < 0) return formatDuration(0)
  if (ms < 9950) return `${(ms / SECOND_MS).toFixed(1)} s`
  if (ms < MINUTE_MS - SECOND_MS / 2) return `${Math.round(ms / SECOND_MS)} s`
  const seconds = Math.round(ms / SECOND_MS)
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}

/** "0.8 ms", "182 ms", "1.4 s": how long a call took. */
export function formatLatency(ms: number): string {
  if (ms < 10) return `${ms.toFixed(1)} ms`
  return ms < SECOND_MS ? `${Math.round(ms)} ms` : `${(ms / SECOND_MS).toFixed(1)} s`
}

/** "now", "12 min ago", "5 h ago", "yesterday", "3 Jul", "3 Jul 2024". Both times in milliseconds since the epoch. */
export function formatAgo(at: number, now: number): string {
  const ms = now - at
  if (ms < 45 * SECOND_MS) return 'now'
  if (ms < HOUR_MS) return `${Math.max(1, Math.round(ms / MINUTE_MS))} min ago`
  if (ms < DAY_MS) return `${Math.round(ms / HOUR_MS)} h ago`
  if (ms < 2 * DAY_MS) return 'yesterday'
  return formatDay(at, now)
}

/** The day of a time, with its year unless it is this year. */
export function formatDay(at: number, now: number): string {
  const sameYear = new Date(at).getFullYear() === new Date(now).getFullYear()
  return new Intl.DateTimeFormat('en-GB', {
    day: 'numeric',
    month: 'short',
    ...(sameYear ? {} : { year: 'numeric' }),
  }).format(at)
}

const two = (value: number) => String(value).padStart(2, '0')

/** Time of day with milliseconds, in the reader's zone. */
export function formatClock(at: string): string {
  const date = new Date(at)
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, '0')}`
}

/** "812 B", "1.4 MiB". */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB']
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit += 1
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`
}

/** "1 tool", "7 tools". */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}

const ESCAPE = String.fromCharCode(27)
const ANSI = new RegExp(`${ESCAPE}(?:\\[[0-9;?]*[ -/]*[@-~]|\\][^${ESCAPE}]*(?:${ESCAPE}\\\\|$))`, 'g')

/** Takes terminal colours and titles out of a line that a server printed. */
export function stripTerminalCodes(line: string): string {
  return line.replace(ANSI, '')
}
