import type { LucideIcon } from 'lucide-react'
import type { ReactNode } from 'react'
import './note.css'

interface NoteProps {
  readonly tone: 'unhealthy' | 'failed' | 'deploying' | 'stopped' | 'running'
  readonly icon: LucideIcon
  readonly title: ReactNode
  readonly role?: 'alert' | 'status'
  readonly actions?: ReactNode
  readonly children?: ReactNode
}

/** Something the reader should know before going on. */
export function Note({ tone, icon: Icon, title, role, actions, children }: NoteProps) {
  return (
    <div className={`${tone} note`} role={role}>
      <Icon />
      <div className="note-text">
        <b>{title}</b>
        {children}
      </div>
      {actions !== undefined && <div className="row push">{actions}</div>}
    </div>
  )
}
