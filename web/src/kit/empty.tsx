import type { ReactNode } from 'react'
import './empty.css'

interface EmptyProps {
  readonly title: string
  readonly level?: 'h1' | 'h2'
  readonly children: ReactNode
  /** The one next step. */
  readonly action?: ReactNode
}

export function Empty({ title, level: Heading = 'h2', children, action }: EmptyProps) {
  return (
    <div className="empty">
      <svg className="em" viewBox="0 0 84 20" aria-hidden="true">
        <path d="M1 16.5H36V4.5l4 3.6h4l4-3.6v12h35" />
      </svg>
      <Heading>{title}</Heading>
      {typeof children === 'string' ? <p>{children}</p> : children}
      {action}
    </div>
  )
}
