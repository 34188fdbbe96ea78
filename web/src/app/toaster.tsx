import { CircleCheck, CircleX, Power, X, type LucideIcon } from 'lucide-react'
import { IconButton } from '../kit/button.tsx'
import { useStore } from './store.ts'
import { dismiss, toasts, type Toast } from './toasts.ts'
import './toaster.css'

const ICONS: Readonly<Record<Toast['tone'], LucideIcon>> = {
  running: CircleCheck,
  stopped: Power,
  failed: CircleX,
}

/** Outcomes of actions, in a corner. */
export function Toaster() {
  const shown = useStore(toasts)
  return (
    <div className="toaster" role="status" aria-label="Notices">
      {shown.map((toast) => {
        const Icon = ICONS[toast.tone]
        return (
          <div key={toast.id} className={`toast ${toast.tone}`}>
            <Icon />
            <span>
              {toast.text}{' '}
              {toast.requestId !== undefined && <code className="faint xs">{toast.requestId}</code>}
            </span>
            <IconButton small className="push" icon={X} label="Dismiss" onClick={() => dismiss(toast.id)} />
          </div>
        )
      })}
    </div>
  )
}
