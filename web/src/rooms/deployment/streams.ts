import type { LogLine } from '../../api/client.ts'

/** Whose lines are shown: all, the server's own, Catwalk's. */
export type Stream = 'all' | 'program' | 'system'

export const STREAMS = [
  { value: 'all', label: 'All' },
  { value: 'program', label: 'Program' },
  { value: 'system', label: 'System' },
] as const satisfies readonly { value: Stream; label: string }[]

/** The lines of a stream that contain the words, in any case. */
export function filterLines(lines: readonly LogLine[], stream: Stream, find = ''): readonly LogLine[] {
  const words = find.trim().toLowerCase()
  return lines.filter(
    (line) =>
      (stream === 'all' || (line.stream === 'system') === (stream === 'system')) &&
      (words === '' || line.line.toLowerCase().includes(words)),
  )
}
