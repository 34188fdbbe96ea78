import { useMutation } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { CircleCheck, KeyRound } from 'lucide-react'
import { useForm } from 'react-hook-form'
import { accountSchemas, api } from '../../api/client.ts'
import { Door } from '../../app/door.tsx'
import { forgetLinkToken, useLinkToken } from '../../app/link-token.ts'
import { Button } from '../../kit/button.tsx'
import { ErrorNote } from '../../kit/error-note.tsx'
import { Field, SecretInput } from '../../kit/field.tsx'
import { fits } from '../../kit/form.ts'
import { Note } from '../../kit/note.tsx'

/** Where a reset link leads. */
export function ResetPasswordRoom() {
  const token = useLinkToken('/reset-password')
  const { register, handleSubmit, formState } = useForm<{ password: string }>()
  const reset = useMutation({
    mutationFn: ({ password }: { password: string }) =>
      api.call('resetPassword', { body: { token: token ?? '', password } }),
    onSuccess: () => forgetLinkToken('/reset-password'),
  })
  if (reset.isSuccess) {
    return (
      <Door title="New password">
        <Note tone="running" icon={CircleCheck} title="It is set">
          <p>You were signed out everywhere. Sign in with the new one.</p>
        </Note>
        <Link className="btn primary lg" to="/sign-in">
          Sign in
        </Link>
      </Door>
    )
  }
  if (token === null) {
    return (
      <Door title="New password">
        <Note tone="deploying" icon={KeyRound} title="Open the link that an admin made for you">
          <p>The address of this page alone says nothing.</p>
        </Note>
      </Door>
    )
  }
  return (
    <Door title="New password" lead="It ends every session of your account.">
      <form
        className="stack"
        noValidate
        onSubmit={(event) => void handleSubmit((values) => reset.mutate(values))(event)}
      >
        <Field label="Password" hint="10 characters at least." error={formState.errors.password?.message}>
          {(control) => (
            <SecretInput
              {...control}
              what="the password"
              autoComplete="new-password"
              {...register('password', {
                validate: fits(accountSchemas.ResetPassword.shape.password, 'Use 10 to 128 characters.'),
              })}
            />
          )}
        </Field>
        {reset.error && <ErrorNote error={reset.error} />}
        <Button type="submit" variant="primary" size="lg" className="full" pending={reset.isPending}>
          Set it
        </Button>
      </form>
    </Door>
  )
}
