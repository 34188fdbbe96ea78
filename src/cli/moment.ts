import { InvalidArgumentError } from 'commander'

const UNITS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const
const MAX_AGO_MS = 3650 * UNITS.d

/**
 * A moment, as options of the command line take it: `2026-01-31`, `2026-01-31T12:00:00Z`, or how long ago, `90s`, `15m`,
 * `2h`, `7d`, `4w`. Returns RFC 3339 in UTC.
 */
export function readMoment(text: string, nowMs = Date.now()): string {
  const ago = /^(\d{1,9})([smhdw])$/.exec(text)
  if (ago !== null) {
    const ms = Number(ago[1]) * UNITS[ago[2] as keyof typeof UNITS]
    if (ms <= MAX_AGO_MS) return new Date(nowMs - ms).toISOString()
  } else if (/^\d{4}-\d{2}-\d{2}(?:T[\d:.]+(?:Z|[+-]\d{2}:\d{2})?)?$/.test(text)) {
    const moment = new Date(text)
    if (!Number.isNaN(moment.getTime())) return moment.toISOString()
  }
  throw new InvalidArgumentError(
    'It must be a time, e.g. 2026-01-31T12:00:00Z, or how long ago, e.g. 15m, 2h, 7d.',
  )
}
