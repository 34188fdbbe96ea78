import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useSearch } from '@tanstack/react-router'
import { useForm } from 'react-hook-form'
import { accountSchemas, api } from '../../api/client.ts'
import { sessionsQuery, signInWaysQuery } from '../../api/queries.ts'
import { Page } from '../../app/page.tsx'
import { tell, tellFailure } from '../../app/toasts.ts'
import { Ago } from '../../kit/ago.tsx'
import { Badge } from '../../kit/badge.tsx'
import { Button } from '../../kit/button.tsx'
import { Card } from '../../kit/card.tsx'
import { ErrorNote } from '../../kit/error-note.tsx'
import { Field, SecretInput } from '../../kit/field.tsx'
import { fits } from '../../kit/form.ts'
import { PageHead } from '../../kit/page-head.tsx'
import { Skeleton } from '../../kit/skeleton.tsx'
import { OwnConnections } from '../people/connections.tsx'
import '../../kit/table.css'
import '../people/people.css'
import { Accounts } from './accounts.tsx'
import { Address } from './address.tsx'
import { Passkeys } from './passkeys.tsx'
import { ProviderRefusal } from './providers.tsx'
import { SecondFactor } from './second-factor.tsx'

/** How one signs in, and where one is signed in. */
export function AccountRoom() {
  const { data: ways, error, refetch } = useQuery(signInWaysQuery)
  const { error: refusal } = useSearch({ from: '/house/account' })
  return (
    <Page title="Account">
      <PageHead title="Account" lead="How you sign in, and where you are signed in." />
      <div className="stack wide">
        {refusal !== undefined && <ProviderRefusal code={refusal} />}
        <Sessions />
        {ways === undefined ? (
          error ? (
            <ErrorNote error={error} onRetry={() => void refetch()} />
          ) : (
            <div className="stack" role="status" aria-busy="true" aria-label="Loading ways of signing in">
              <Skeleton height={2.75} />
              <Skeleton height={2.75} />
            </div>
          )
        ) : (
          <>
            <Address ways={ways} />
            <Password hasPassword={ways.hasPassword} />
            <SecondFactor ways={ways} />
            <Passkeys ways={ways} />
            <Accounts ways={ways} />
          </>
        )}
        <OwnConnections />
      </div>
    </Page>
  )
}

function Sessions() {
  const queryClient = useQueryClient()
  const { data: sessions, error, refetch } = useQuery(sessionsQuery)
  const end = useMutation({
    mutationFn: (id: string) => api.call('revokeSession', { params: { id } }),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: sessionsQuery.queryKey }),
    onError: tellFailure,
  })
  return (
    <Card className="cut" title="Sessions">
      {sessions === undefined ? (
        <div className="pad stack">
          {error ? <ErrorNote error={error} onRetry={() => void refetch()} /> : <Skeleton width={20} />}
        </div>
      ) : (
        <table className="table low people">
          <thead>
            <tr>
              <th scope="col">Where</th>
              <th scope="col" className="no-s">
                Since
              </th>
              <th scope="col">
                <span className="sr">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {sessions.map((session) => (
              <tr key={session.id}>
                <td>
                  <span className="name">{session.address ?? 'An unknown address'}</span>{' '}
                  {session.current && <Badge tone="ok">This browser</Badge>}
                  <div className="sub">{session.userAgent ?? 'An unknown program'}</div>
                </td>
                <td className="no-s dim">
                  <Ago at={session.createdAt} />
                </td>
                <td className="n">
                  {!session.current && (
                    <Button
                      size="sm"
                      variant="quiet"
                      aria-label={`End it: the session at ${session.address ?? 'an unknown address'}`}
                      onClick={() => end.mutate(session.id)}
                    >
                      End it
                    </Button>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Card>
  )
}

interface Values {
  current: string
  password: string
}

const { current, password } = accountSchemas.ChangePassword.shape

function Password({ hasPassword }: { readonly hasPassword: boolean }) {
  const queryClient = useQueryClient()
  const { register, handleSubmit, formState, reset } = useForm<Values>()
  const { errors } = formState
  const change = useMutation({
    mutationFn: ({ current: former, password: next }: Values) =>
      api.call('changePassword', {
        body: { password: next, ...(hasPassword ? { current: former } : {}) },
      }),
    onSuccess: async () => {
      reset()
      tell({ tone: 'running', text: 'The new password is set' })
      await queryClient.invalidateQueries({ queryKey: sessionsQuery.queryKey })
      await queryClient.invalidateQueries({ queryKey: signInWaysQuery.queryKey })
    },
  })
  return (
    <Card title="Password">
      <form
        className="pad stack"
        noValidate
        onSubmit={(event) => void handleSubmit((values) => change.mutate(values))(event)}
      >
        {hasPassword && (
          <Field label="Current password" error={errors.current?.message}>
            {(control) => (
              <SecretInput
                {...control}
                what="the current password"
                autoComplete="current-password"
                {...register('current', { validate: fits(current, 'Enter your current password.') })}
              />
            )}
          </Field>
        )}
        <Field
          label="New password"
          hint="10 characters at least. It ends your other sessions."
          error={errors.password?.message}
        >
          {(control) => (
            <SecretInput
              {...control}
              what="the new password"
              autoComplete="new-password"
              {...register('password', { validate: fits(password, 'Use 10 to 128 characters.') })}
            />
          )}
        </Field>
        {change.error && <ErrorNote error={change.error} />}
        <div>
          <Button type="submit" variant="primary" pending={change.isPending}>
            Set the password
          </Button>
        </div>
      </form>
    </Card>
  )
}
