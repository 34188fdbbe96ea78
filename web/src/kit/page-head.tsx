import type { ReactNode } from 'react'
import './page-head.css'

interface PageHeadProps {
  /** Above the title: a state, where it comes from. */
  readonly above?: ReactNode
  readonly title: ReactNode
  /** Beside the title. */
  readonly beside?: ReactNode
  readonly lead?: ReactNode
  readonly actions?: ReactNode
}

export function PageHead({ above, title, beside, lead, actions }: PageHeadProps) {
  return (
    <div className="page-head">
      <div className="page-head-text">
        {above !== undefined && <div className="row wrap above">{above}</div>}
        <div className="row wrap beside">
          <h1>{title}</h1>
          {beside}
        </div>
        {lead !== undefined && <p>{lead}</p>}
      </div>
      {actions !== undefined && actions !== false && (
        <div className="row push page-head-actions">{actions}</div>
      )}
    </div>
  )
}
