import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { CircleCheck, Terminal } from 'lucide-react'
import { useForm } from 'react-hook-form'
import { api, ApiError, schemas } from '../api/client.ts'
import { meQuery, setUpQuery } from '../api/queries.ts'
import { Door } from '../app/door.tsx'
import { useLinkToken } from '../app/link-token.ts'
import { Button } from '../kit/button.tsx'
import { ErrorNote } from '../kit/error-note.tsx'
import { Field, Input, SecretInput } from '../kit/field.tsx'
import { fits } from '../kit/form.ts'
import { Note } from '../kit/note.tsx'
import { Skeleton } from '../kit/skeleton.tsx'

export function SetUpRoom() {
  const token = useLinkToken('/setup')
  const { data, error, refetch } = useQuery(setUpQuery)
  if (error) {
    return (
      <Door title="Set up Catwalk">
        <ErrorNote error={error} onRetry={() => void refetch()} />
      </Door>
    )
  }
  if (!data) {
    return (
      <Door title="Set up Catwalk">
        <Skeleton height={2.75} />
        <Skeleton height={2.75} />
      </Door>
    )
  }
  if (!data.needed) {
    return (
      <Door title="Catwalk is set up">
        <Note tone="running" icon={CircleCheck} title="There is an owner account already">
          <p>This link has done its work. Sign in with that account.</p>
        </Note>
        <Link className="btn primary lg" to="/sign-in">
          Sign in
        </Link>
      </Door>
    )
  }
  if (token === null) {
    return (
      <Door title="Set up Catwalk">
        <Note tone="deploying" icon={Terminal} title="Open the set-up link printed in the terminal">
          <p>
            It stands where Catwalk was started, works once and for 30 minutes. For a new one, type{' '}
            <code>bin/catwalk setup-link</code> there.
          </p>
        </Note>
      </Door>
    )
  }
  return <OwnerForm token={token} />
}

interface Values {
  name: string
  email: string
  password: string
}

const { name, email, password } = schemas.SetUp.shape

function OwnerForm({ token }: { readonly token: string }) {
  const navigate = useNavigate()
  const queryClient = useQueryClient()
  const { register, handleSubmit, formState } = useForm<Values>({ mode: 'onTouched' })
  const { errors } = formState
  const make = useMutation({
    mutationFn: (values: Values) => api.call('setUp', { body: { token, ...values } }),
    onSuccess: async (me) => {
      queryClient.setQueryData(meQuery.queryKey, me)
      queryClient.setQueryData(setUpQuery.queryKey, { needed: false })
      await navigate({ to: '/' })
    },
  })
  const isDone = make.error instanceof ApiError && make.error.body.error === 'setup_done'
  return (
    <Door title="Set up Catwalk" lead="Make the owner account. It stays on this installation.">
      <form
        className="stack"
        noValidate
        onSubmit={(event) => void handleSubmit((values) => make.mutate(values))(event)}
      >
        <Field label="Name" error={errors.name?.message}>
          {(control) => (
            <Input
              {...control}
              autoComplete="name"
              {...register('name', { validate: fits(name, 'Enter your name, 80 characters at most.') })}
            />
          )}
        </Field>
        <Field label="Email" error={errors.email?.message}>
          {(control) => (
            <Input
              {...control}
              type="email"
              autoComplete="username"
              {...register('email', {
                validate: fits(email, 'Enter an email address, such as ana@example.com.'),
              })}
            />
          )}
        </Field>
        <Field label="Password" hint="10 characters at least." error={errors.password?.message}>
          {(control) => (
            <SecretInput
              {...control}
              what="the password"
              autoComplete="new-password"
              {...register('password', { validate: fits(password, 'Use 10 to 128 characters.') })}
            />
          )}
        </Field>
        {make.error && <ErrorNote error={make.error} />}
        {isDone && <Link to="/sign-in">Sign in instead</Link>}
        <Button type="submit" variant="primary" size="lg" className="full" pending={make.isPending}>
          Make the account
        </Button>
      </form>
    </Door>
  )
}
