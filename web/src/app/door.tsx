import type { ReactNode } from 'react'
import { Mark } from './mark.tsx'
import './door.css'

interface DoorProps {
  readonly title: string
  readonly lead?: ReactNode
  readonly children: ReactNode
}

/** A page outside the house: set-up, sign-in, and when nothing else can be drawn. */
export function Door({ title, lead, children }: DoorProps) {
  return (
    <div className="door page aurora">
      <title>{`${title} · Catwalk`}</title>
      <main className="door-main" id="main">
        <div className="brand">
          <Mark />
          <span>Catwalk</span>
        </div>
        <div className="card pad stack wide">
          <div>
            <h1>{title}</h1>
            {lead !== undefined && <p className="dim door-lead">{lead}</p>}
          </div>
          {children}
        </div>
      </main>
    </div>
  )
}
