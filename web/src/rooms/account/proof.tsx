import type { ReactNode } from 'react'
import { useForm } from 'react-hook-form'
import { Button } from '../../kit/button.tsx'
import { Dialog } from '../../kit/dialog.tsx'
import { ErrorNote } from '../../kit/error-note.tsx'
import { Field, SecretInput } from '../../kit/field.tsx'

interface ProofDialogProps {
  readonly title: string
  readonly action: string
  readonly danger?: boolean
  /** Whether there is a password to ask for; otherwise the server asks for a fresh sign-in. */
  readonly hasPassword: boolean
  readonly pending: boolean
  readonly error: unknown
  readonly onProof: (password: string | undefined) => void
  readonly onClose: () => void
  readonly children?: ReactNode
}

/** Asks who it is before something changes that would let others in. */
export function ProofDialog({
  title,
  action,
  danger = false,
  hasPassword,
  pending,
  error,
  onProof,
  onClose,
  children,
}: ProofDialogProps) {
  const { register, handleSubmit, formState } = useForm<{ password: string }>()
  return (
    <Dialog title={title} onClose={onClose}>
      <form
        className="dialog-body"
        noValidate
        onSubmit={(event) =>
          void handleSubmit(({ password }) => onProof(hasPassword ? password : undefined))(event)
        }
      >
        {children}
        {hasPassword && (
          <Field label="Your current password" error={formState.errors.password?.message}>
            {(control) => (
              <SecretInput
                {...control}
                what="the password"
                autoComplete="current-password"
                {...register('password', { required: 'Enter your password.' })}
              />
            )}
          </Field>
        )}
        {error !== null && error !== undefined && <ErrorNote error={error} />}
        <div className="dialog-actions">
          <Button variant="quiet" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" variant={danger ? 'danger' : 'primary'} pending={pending}>
            {action}
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
