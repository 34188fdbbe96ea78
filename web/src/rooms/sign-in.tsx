import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, Navigate, useRouter, useSearch } from '@tanstack/react-router'
import { KeyRound } from 'lucide-react'
import { useState } from 'react'
import { useForm } from 'react-hook-form'
import { signIn } from '../api/auth.ts'
import { api } from '../api/client.ts'
import { hasPasskeys, isCancelled, signInByPasskey } from '../api/passkeys.ts'
import { meQuery, setUpQuery, signUpQuery } from '../api/queries.ts'
import { Door } from '../app/door.tsx'
import { Button } from '../kit/button.tsx'
import { ErrorNote } from '../kit/error-note.tsx'
import { Field, Input, SecretInput } from '../kit/field.tsx'
import { ProviderButtons, ProviderRefusal } from './account/providers.tsx'

interface Values {
  email: string
  password: string
}

export function SignInRoom() {
  const { back, step, error: refusal } = useSearch({ from: '/sign-in' })
  const { history } = useRouter()
  const queryClient = useQueryClient()
  const { data: setUp } = useQuery(setUpQuery)
  const [needsCode, setNeedsCode] = useState(step === 'code')
  const enter = async () => {
    queryClient.removeQueries({ queryKey: meQuery.queryKey })
    await queryClient.fetchQuery(meQuery)
    history.push(back ?? '/')
  }
  if (setUp?.needed === true) return <Navigate to="/setup" />
  if (needsCode) return <EnterCode onDone={enter} onBack={() => setNeedsCode(false)} />
  return (
    <Door title="Sign in" {...(back === undefined ? {} : { lead: 'You come back to where you were.' })}>
      {refusal !== undefined && <ProviderRefusal code={refusal} />}
      <ByPassword onDone={enter} onCode={() => setNeedsCode(true)} />
      <OtherWays onDone={enter} back={back ?? '/'} />
    </Door>
  )
}

interface ByPasswordProps {
  readonly onDone: () => Promise<void>
  readonly onCode: () => void
}

function ByPassword({ onDone, onCode }: ByPasswordProps) {
  const { register, handleSubmit, formState } = useForm<Values>()
  const { errors } = formState
  const enter = useMutation({
    mutationFn: async ({ email, password }: Values) => {
      if ((await signIn(email, password)) === 'code needed') onCode()
      else await onDone()
    },
  })
  return (
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
  )
}

interface OtherWaysProps {
  readonly onDone: () => Promise<void>
  readonly back: string
}

function OtherWays({ onDone, back }: OtherWaysProps) {
  const { data: signUp } = useQuery(signUpQuery)
  const byPasskey = useMutation({
    mutationFn: async () => {
      await signInByPasskey()
      await onDone()
    },
  })
  return (
    <div className="stack">
      {hasPasskeys() && (
        <Button
          size="lg"
          className="full"
          icon={KeyRound}
          pending={byPasskey.isPending}
          onClick={() => byPasskey.mutate()}
        >
          Sign in with a passkey
        </Button>
      )}
      {byPasskey.error && !isCancelled(byPasskey.error) && <ErrorNote error={byPasskey.error} />}
      {signUp !== undefined && <ProviderButtons providers={signUp.providers} back={back} />}
      {signUp?.mail === true && <Link to="/forgot-password">I forgot my password</Link>}
      {signUp?.mode === 'open' && <Link to="/sign-up">I have no account: make one</Link>}
    </div>
  )
}

interface EnterCodeProps {
  readonly onDone: () => Promise<void>
  readonly onBack: () => void
}

/** The second step of whoever has one-time codes turned on. */
function EnterCode({ onDone, onBack }: EnterCodeProps) {
  const { register, handleSubmit, formState } = useForm<{ code: string }>()
  const finish = useMutation({
    mutationFn: async ({ code }: { code: string }) => {
      await api.call('finishSignIn', { body: { code: code.trim() } })
      await onDone()
    },
  })
  return (
    <Door title="Enter a code" lead="The one that your authenticator app shows now, or a recovery code.">
      <form
        className="stack"
        noValidate
        onSubmit={(event) => void handleSubmit((values) => finish.mutate(values))(event)}
      >
        <Field label="Code" error={formState.errors.code?.message}>
          {(control) => (
            <Input
              {...control}
              // The page is there for this one field.
              // oxlint-disable-next-line jsx-a11y/no-autofocus
              autoFocus
              autoComplete="one-time-code"
              {...register('code', {
                required: 'Enter the code.',
                minLength: { value: 6, message: 'Six digits, or a recovery code.' },
              })}
            />
          )}
        </Field>
        {finish.error && <ErrorNote error={finish.error} />}
        <Button type="submit" variant="primary" size="lg" className="full" pending={finish.isPending}>
          Sign in
        </Button>
        <Button variant="quiet" onClick={onBack}>
          Start again
        </Button>
      </form>
    </Door>
  )
}
