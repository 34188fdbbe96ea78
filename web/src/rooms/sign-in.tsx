import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Navigate, useRouter, useSearch } from '@tanstack/react-router'
import { useForm } from 'react-hook-form'
import { signIn } from '../api/auth.ts'
import { meQuery, setUpQuery } from '../api/queries.ts'
import { Door } from '../app/door.tsx'
import { Button } from '../kit/button.tsx'
import { ErrorNote } from '../kit/error-note.tsx'
import { Field, Input, SecretInput } from '../kit/field.tsx'

interface Values {
  email: string
  password: string
}

export function SignInRoom() {
  const { back } = useSearch({ from: '/sign-in' })
  const { history } = useRouter()
  const queryClient = useQueryClient()
  const { data: setUp } = useQuery(setUpQuery)
  const { register, handleSubmit, formState } = useForm<Values>()
  const { errors } = formState
  const enter = useMutation({
    mutationFn: async ({ email, password }: Values) => {
      await signIn(email, password)
      queryClient.removeQueries({ queryKey: meQuery.queryKey })
      await queryClient.fetchQuery(meQuery)
    },
    onSuccess: () => history.push(back ?? '/'),
  })
  if (setUp?.needed === true) return <Navigate to="/setup" />
  return (
    <Door title="Sign in" {...(back === undefined ? {} : { lead: 'You come back to where you were.' })}>
      <form
        className="stack"
        noValidate
        onSubmit={(event) => void handleSubmit((values) => enter.mutate(values))(event)}
      >
        <Field label="Email" error={errors.email?.message}>
          {(control) => (
            <Input
              {...control}
              type="email"
              autoComplete="username"
              {...register('email', { required: 'Enter your email address.' })}
            />
          )}
        </Field>
        <Field label="Password" error={errors.password?.message}>
          {(control) => (
            <SecretInput
              {...control}
              what="the password"
              autoComplete="current-password"
              {...register('password', { required: 'Enter your password.' })}
            />
          )}
        </Field>
        {enter.error && <ErrorNote error={enter.error} />}
        <Button type="submit" variant="primary" size="lg" className="full" pending={enter.isPending}>
          Sign in
        </Button>
      </form>
    </Door>
  )
}
