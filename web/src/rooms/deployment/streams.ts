import type { LogLine } from '../../api/client.ts'

/** Whose lines are shown: all, the server's own, Catwalk's. */
export type Stream = 'all' | 'program' | 'system'

export const STREAMS = [
  { value: 'all', label: 'All' },
  { value: 'program', label: 'Program' },
  { value: 'system', label: 'System' },
] as const satisfies readonly { value: Stream; label: string }[]

/** The streams of the log, each for itself. */
export const LOG_STREAMS = [
  { value: 'all', label: 'All' },
  { value: 'stderr', label: 'stderr' },
  { value: 'stdout', label: 'stdout' },
  { value: 'system', label: 'System' },
] as const satisfies readonly { value: 'all' | LogLine['stream']; label: string }[]

export type LogStream = (typeof LOG_STREAMS)[number]['value']

/** The lines of a stream that contain the words, in any case. */
export function filterLines(
  lines: readonly LogLine[],
  stream: Stream | LogStream,
  find = '',
): readonly LogLine[] {
  const words = find.trim().toLowerCase()
  return lines.filter(
    (line) =>
      (stream === 'all' || stream === line.stream || (stream === 'program' && line.stream !== 'system')) &&
      (words === '' || line.line.toLowerCase().includes(words)),
  )
}
