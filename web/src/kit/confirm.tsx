import { useState, type FormEvent, type ReactNode } from 'react'
import { Button } from './button.tsx'
import { Dialog } from './dialog.tsx'
import { ErrorNote } from './error-note.tsx'
import { Field, Input } from './field.tsx'

interface ConfirmProps {
  readonly title: string
  readonly action: string
  /** `danger` unless nothing is lost. */
  readonly variant?: 'danger' | 'primary'
  /** Must be typed first, where what follows cannot be undone. */
  readonly typed?: string
  readonly pending: boolean
  readonly error: unknown
  readonly onConfirm: () => void
  readonly onClose: () => void
  readonly children: ReactNode
}

export function Confirm({
  title,
  action,
  variant = 'danger',
  typed,
  pending,
  error,
  onConfirm,
  onClose,
  children,
}: ConfirmProps) {
  const [text, setText] = useState('')
  const blocked = typed !== undefined && text.trim() !== typed
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!blocked && !pending) onConfirm()
  }
  return (
    <Dialog title={title} onClose={onClose}>
      <form className="dialog-body" onSubmit={submit}>
        {children}
        {typed !== undefined && (
          <Field
            label={
              <span>
                Type <code>{typed}</code> to confirm
              </span>
            }
          >
            {(control) => (
              <Input
                {...control}
                className="mono"
                value={text}
                onChange={({ target }) => setText(target.value)}
              />
            )}
          </Field>
        )}
        {error !== null && error !== undefined && <ErrorNote error={error} />}
        <div className="dialog-actions">
          <Button variant="quiet" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" variant={variant} blocked={blocked} pending={pending}>
            {action}
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
