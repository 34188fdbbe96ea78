import { ErrorNote } from './error-note.tsx'
import { Skeleton } from './skeleton.tsx'

interface UnloadedProps {
  /** What goes on, for who cannot see it. */
  readonly label: string
  /** Why it could not be had; null while it is on its way. */
  readonly error: unknown
  readonly onRetry?: (() => void) | undefined
  /** Whether it stands in a card without space of its own. */
  readonly padded?: boolean
  /** Widths of the lines that will be there, in rem. Left out: two. */
  readonly lines?: readonly number[]
}

/** Stands where something will be that was asked for: its outline, or why there is none. */
export function Unloaded({ label, error, onRetry, padded = false, lines = [20, 16] }: UnloadedProps) {
  if (error) {
    const note = <ErrorNote error={error} {...(onRetry === undefined ? {} : { onRetry })} />
    return padded ? <div className="pad">{note}</div> : note
  }
  return (
    <div className={padded ? 'pad stack' : 'stack'} role="status" aria-busy="true" aria-label={label}>
      {lines.map((width) => (
        <Skeleton key={width} width={width} />
      ))}
    </div>
  )
}
