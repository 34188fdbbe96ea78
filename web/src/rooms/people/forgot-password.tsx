import { useMutation, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { KeyRound, MailCheck } from 'lucide-react'
import { useForm } from 'react-hook-form'
import { accountSchemas, api } from '../../api/client.ts'
import { signUpQuery } from '../../api/queries.ts'
import { Door } from '../../app/door.tsx'
import { Button } from '../../kit/button.tsx'
import { ErrorNote } from '../../kit/error-note.tsx'
import { Field, Input } from '../../kit/field.tsx'
import { fits } from '../../kit/form.ts'
import { Note } from '../../kit/note.tsx'

/** Where a link for a new password is asked for, if there is mail. */
export function ForgotPasswordRoom() {
  const { data: signUp } = useQuery(signUpQuery)
  const { register, handleSubmit, formState } = useForm<{ email: string }>()
  const request = useMutation({
    mutationFn: ({ email }: { email: string }) => api.call('requestPasswordReset', { body: { email } }),
  })
  if (request.isSuccess) {
    return (
      <Door title="New password">
        <Note tone="running" icon={MailCheck} title="Look into your mail">
          <p>If there is an account with this address, a link is on its way. It works for 30 minutes.</p>
        </Note>
        <Link to="/sign-in">Sign in</Link>
      </Door>
    )
  }
  if (signUp?.mail === false) {
    return (
      <Door title="New password">
        <Note tone="deploying" icon={KeyRound} title="This Catwalk sends no mail">
          <p>Ask whoever runs it for a link: bin/catwalk account reset EMAIL</p>
        </Note>
        <Link to="/sign-in">Sign in</Link>
      </Door>
    )
  }
  return (
    <Door title="New password" lead="A link to set one is sent to your address.">
      <form
        className="stack"
        noValidate
        onSubmit={(event) => void handleSubmit((values) => request.mutate(values))(event)}
      >
        <Field label="Email" error={formState.errors.email?.message}>
          {(control) => (
            <Input
              {...control}
              type="email"
              autoComplete="username"
              {...register('email', {
                validate: fits(accountSchemas.SignUp.shape.email, 'Enter your email address.'),
              })}
            />
          )}
        </Field>
        {request.error && <ErrorNote error={request.error} />}
        <Button type="submit" variant="primary" size="lg" className="full" pending={request.isPending}>
          Send the link
        </Button>
        <Link to="/sign-in">Back</Link>
      </form>
    </Door>
  )
}
