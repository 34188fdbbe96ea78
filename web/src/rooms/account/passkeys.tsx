import { useMutation, useQueryClient } from '@tanstack/react-query'
import { KeyRound } from 'lucide-react'
import { useState } from 'react'
import { useForm } from 'react-hook-form'
import { api, passkeyName, type SignInWays } from '../../api/client.ts'
import { addPasskey, hasPasskeys, isCancelled } from '../../api/passkeys.ts'
import { signInWaysQuery } from '../../api/queries.ts'
import { tell, tellFailure } from '../../app/toasts.ts'
import { Ago } from '../../kit/ago.tsx'
import { Button } from '../../kit/button.tsx'
import { Card } from '../../kit/card.tsx'
import { Dialog } from '../../kit/dialog.tsx'
import { ErrorNote } from '../../kit/error-note.tsx'
import { Field, Input, SecretInput } from '../../kit/field.tsx'
import { fits } from '../../kit/form.ts'
import '../../kit/table.css'

/** Passkeys: signing in by fingerprint, face or a security key. */
export function Passkeys({ ways }: { readonly ways: SignInWays }) {
  const queryClient = useQueryClient()
  const [isAdding, setAdding] = useState(false)
  const remove = useMutation({
    mutationFn: (id: string) => api.call('removePasskey', { params: { id } }),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: signInWaysQuery.queryKey }),
    onError: tellFailure,
  })
  return (
    <Card className="cut" title="Passkeys">
      {ways.passkeys.length > 0 && (
        <table className="table low people">
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col" className="no-s">
                Added
              </th>
              <th scope="col">
                <span className="sr">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {ways.passkeys.map(({ id, name, isSynced, createdAt }) => (
              <tr key={id}>
                <td>
                  <span className="name">{name}</span>
                  <div className="sub">{isSynced ? 'Copied between your devices' : 'On one device'}</div>
                </td>
                <td className="no-s dim">{createdAt !== null && <Ago at={createdAt} />}</td>
                <td className="n">
                  <Button
                    size="sm"
                    variant="quiet"
                    aria-label={`Remove ${name}`}
                    onClick={() => remove.mutate(id)}
                  >
                    Remove
                  </Button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <div className="pad stack">
        <p className="dim">
          {hasPasskeys()
            ? 'Sign in by fingerprint, face or a security key, without password and code.'
            : 'This browser has no passkeys under this address. They need https, or localhost, and a current browser.'}
        </p>
        {hasPasskeys() && (
          <div>
            <Button icon={KeyRound} onClick={() => setAdding(true)}>
              Add a passkey
            </Button>
          </div>
        )}
      </div>
      {isAdding && <AddPasskey hasPassword={ways.hasPassword} onClose={() => setAdding(false)} />}
    </Card>
  )
}

interface Values {
  name: string
  password: string
}

function AddPasskey({
  hasPassword,
  onClose,
}: {
  readonly hasPassword: boolean
  readonly onClose: () => void
}) {
  const queryClient = useQueryClient()
  const { register, handleSubmit, formState } = useForm<Values>()
  const { errors } = formState
  const add = useMutation({
    mutationFn: ({ name, password }: Values) => addPasskey(name, hasPassword ? password : undefined),
    onSuccess: async () => {
      tell({ tone: 'running', text: 'The passkey is added' })
      onClose()
      await queryClient.invalidateQueries({ queryKey: signInWaysQuery.queryKey })
    },
  })
  return (
    <Dialog title="Add a passkey" onClose={onClose}>
      <form
        className="dialog-body"
        noValidate
        onSubmit={(event) => void handleSubmit((values) => add.mutate(values))(event)}
      >
        <Field label="Name" hint="What it is on, such as “laptop”." error={errors.name?.message}>
          {(control) => (
            <Input
              {...control}
              {...register('name', { validate: fits(passkeyName, 'Enter a name, 80 characters at most.') })}
            />
          )}
        </Field>
        {hasPassword && (
          <Field label="Your current password" error={errors.password?.message}>
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
        {add.error && !isCancelled(add.error) && <ErrorNote error={add.error} />}
        <div className="dialog-actions">
          <Button variant="quiet" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" variant="primary" pending={add.isPending}>
            Go on
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
