import type { LucideIcon } from 'lucide-react'
import type { ReactNode } from 'react'
import './walk.css'

declare module 'react' {
  interface CSSProperties {
    /** How far a walk has come. */
    '--at'?: string
  }
}

interface WalkProps {
  readonly sourceIcon: LucideIcon
  readonly source: string
  readonly line: 'up' | 'going' | 'broken' | 'asleep' | 'off'
  /** How far the walk has come, 0 to 1; counts while it is going or broken. */
  readonly at?: number
  readonly endpoint: string
  readonly endpointIcon?: LucideIcon
  /** Behind the endpoint: a button, or why it is not open. */
  readonly end: ReactNode
}

/** The walk from a source to its endpoint. */
export function Walk({
  sourceIcon: SourceIcon,
  source,
  line,
  at = 1,
  endpoint,
  endpointIcon,
  end,
}: WalkProps) {
  const EndpointIcon = endpointIcon
  const open = line !== 'going' && line !== 'broken'
  const reached = open ? 1 : at
  const hideOnPhone = open ? ' no-s' : ''
  return (
    <div className="walk">
      <div className={`end${hideOnPhone}`}>
        <SourceIcon />
        <span className="mono clip" title={source}>
          {source}
        </span>
      </div>
      <div className={`line ${line}${hideOnPhone}`} style={{ '--at': `${Math.round(reached * 100)}%` }} />
      <div className={`end to${open ? '' : ' pend'}`}>
        {EndpointIcon && <EndpointIcon />}
        <span className="mono clip" title={endpoint}>
          {endpoint}
        </span>
        {end}
      </div>
    </div>
  )
}
