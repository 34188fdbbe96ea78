import { X } from 'lucide-react'
import { useEffect, useId, useRef, type ReactNode } from 'react'
import { createPortal } from 'react-dom'
import { IconButton } from './button.tsx'
import './dialog.css'

interface DialogProps {
  readonly title: string
  readonly onClose: () => void
  readonly children: ReactNode
}

/**
 * A modal dialog, open while mounted. The browser's own element: it keeps the focus inside, gives it back, closes on
 * Escape and makes the rest inert, without the style elements that our content security policy refuses.
 */
export function Dialog({ title, onClose, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  const titleId = useId()
  useEffect(() => {
    const element = dialog.current
    element?.showModal()
    return () => element?.close()
  }, [])
  // Outside of where it was opened: a form cannot stand inside another one.
  return createPortal(
    <dialog
      ref={dialog}
      className="dialog"
      aria-labelledby={titleId}
      onCancel={(event) => {
        event.preventDefault()
        onClose()
      }}
      // React hands events of a portal on to where it was opened; that may be a form.
      onSubmit={(event) => event.stopPropagation()}
    >
      <h2 id={titleId}>{title}</h2>
      {children}
      {/* Last, because the browser puts the focus on what comes first. */}
      <IconButton className="dialog-close" icon={X} label="Close" onClick={onClose} />
    </dialog>,
    document.body,
  )
}
