import { useId, type ReactNode } from 'react'
import './card.css'

interface CardProps {
  readonly title: ReactNode
  /** Beside the title. */
  readonly beside?: ReactNode
  /** At the far end of the head. */
  readonly actions?: ReactNode
  readonly foot?: ReactNode
  readonly className?: string
  readonly children: ReactNode
}

/** A surface with a headed section. */
export function Card({ title, beside, actions, foot, className, children }: CardProps) {
  const headingId = useId()
  return (
    <section className={['card', className].filter(Boolean).join(' ')} aria-labelledby={headingId}>
      <div className="card-head">
        <h2 id={headingId}>{title}</h2>
        {beside}
        {actions !== undefined && actions !== false && <div className="row push">{actions}</div>}
      </div>
      {children}
      {foot !== undefined && <div className="card-foot">{foot}</div>}
    </section>
  )
}

/** Names and values, a row each. An undefined value leaves its row out. */
export function KeyValues({ items }: { readonly items: Readonly<Record<string, ReactNode>> }) {
  return (
    <dl className="kv pad">
      {Object.entries(items).map(([name, value]) =>
        value === undefined ? null : (
          <div key={name} className="contents">
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ),
      )}
    </dl>
  )
}
