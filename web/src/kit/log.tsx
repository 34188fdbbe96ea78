import { memo, useLayoutEffect, useRef, type ReactNode } from 'react'
import { formatClock, stripTerminalCodes } from './format.ts'
import './log.css'

export interface ShownLine {
  readonly id?: string
  readonly at: string
  readonly stream: 'stdout' | 'stderr' | 'system'
  readonly line: string
}

interface LogProps {
  readonly label: string
  readonly lines: readonly ShownLine[]
  /** Whether the newest line is kept in view. */
  readonly follow?: boolean
  /** The reader scrolled away from the end, or back to it. */
  readonly onFollowChange?: (follow: boolean) => void
  /** The line that tells what went wrong. */
  readonly fatal?: ShownLine | undefined
  readonly after?: ReactNode
}

const NEAR_END_PX = 24

/** Lines that a server wrote. A list and not a live region: they are read on demand, not told one by one. */
export function Log({ label, lines, follow = false, onFollowChange, fatal, after }: LogProps) {
  const list = useRef<HTMLOListElement>(null)
  useLayoutEffect(() => {
    if (follow && lines.length > 0 && list.current) list.current.scrollTop = list.current.scrollHeight
  }, [follow, lines])
  return (
    <ol
      ref={list}
      className="log"
      aria-label={label}
      // It scrolls, so it must be reachable by keyboard.
      // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
      tabIndex={0}
      onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) =>
        onFollowChange?.(scrollHeight - scrollTop - clientHeight < NEAR_END_PX)
      }
    >
      {lines.map((line, index) => (
        <Line key={line.id ?? index} line={line} isFatal={line === fatal} />
      ))}
      {after}
    </ol>
  )
}

// A line never changes, so a new one costs one line and not all of them.
const Line = memo(function Line({ line, isFatal }: { readonly line: ShownLine; readonly isFatal: boolean }) {
  return (
    <li className={lineClass(line, isFatal)}>
      <span>{formatClock(line.at)}</span>
      <span>{line.stream}</span>
      <span>{stripTerminalCodes(line.line)}</span>
    </li>
  )
})

function lineClass(line: ShownLine, isFatal: boolean): string | undefined {
  if (isFatal) return 'fatal'
  if (line.stream === 'system') return 'sys'
  return line.stream === 'stderr' && TROUBLE.test(line.line) ? 'err' : undefined
}

// Servers write all sorts of things to standard error, because standard output is the protocol's.
const TROUBLE = /\b(?:warn(?:ing)?|err(?:or)?|fatal|fail(?:ed|ure)?|exception|denied|refused)\b/i

/** Lines as text, for the clipboard and for files. */
export function logText(lines: readonly ShownLine[]): string {
  return lines.map((line) => `${line.at} ${line.stream} ${stripTerminalCodes(line.line)}\n`).join('')
}

/** The last line that the program wrote to standard error: most say there what they miss. */
export function fatalLine(lines: readonly ShownLine[]): ShownLine | undefined {
  return lines.findLast((line) => line.stream === 'stderr' && line.line.trim() !== '')
}
