import { useMutation, useQuery, useSuspenseQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Check, Terminal, X } from 'lucide-react'
import { useState } from 'react'
import { useForm } from 'react-hook-form'
import { api, type Role } from '../../api/client.ts'
import { deviceLoginQuery, meQuery } from '../../api/queries.ts'
import { Page } from '../../app/page.tsx'
import { Ago } from '../../kit/ago.tsx'
import { Button } from '../../kit/button.tsx'
import { Card, KeyValues } from '../../kit/card.tsx'
import { ErrorNote } from '../../kit/error-note.tsx'
import { Field, Input } from '../../kit/field.tsx'
import { Note } from '../../kit/note.tsx'
import { PageHead } from '../../kit/page-head.tsx'
import { Segmented } from '../../kit/segmented.tsx'
import { Skeleton } from '../../kit/skeleton.tsx'
import { RoleSelect } from './role-select.tsx'
import './people.css'

/** Where a terminal that wants to be let in is approved. */
export function DeviceRoom() {
  const { code } = useSearch({ from: '/house/device' })
  return (
    <Page title="Let a terminal in">
      <PageHead
        title="Let a terminal in"
        lead="It gets an API key of its own, which acts here in your name until it expires or you revoke it."
      />
      <div className="stack wide">
        {code === undefined ? <EnterCode /> : <Waiting key={code} code={code} />}
      </div>
    </Page>
  )
}

function EnterCode() {
  const navigate = useNavigate()
  const { register, handleSubmit, formState } = useForm<{ code: string }>()
  const look = ({ code }: { code: string }) => void navigate({ to: '/device', search: { code: code.trim() } })
  return (
    <Card title="The code">
      <form className="pad stack" noValidate onSubmit={(event) => void handleSubmit(look)(event)}>
        <Field
          label="Code that the terminal shows"
          hint="Eight letters, such as BCDF-GHJK."
          error={formState.errors.code?.message}
        >
          {(control) => (
            <Input
              {...control}
              autoComplete="off"
              autoCapitalize="characters"
              {...register('code', {
                pattern: {
                  value: /^\s*[a-z]{4}[- ]?[a-z]{4}\s*$/i,
                  message: 'Eight letters, such as BCDF-GHJK.',
                },
                required: 'Enter the code.',
              })}
            />
          )}
        </Field>
        <div>
          <Button type="submit" variant="primary">
            Go on
          </Button>
        </div>
      </form>
    </Card>
  )
}

type Days = '30' | '90' | '365' | 'never'

const EXPIRIES = [
  { value: '30', label: '30 days' },
  { value: '90', label: '90 days' },
  { value: '365', label: '1 year' },
  { value: 'never', label: 'Never' },
] as const satisfies readonly { value: Days; label: string }[]

function Waiting({ code }: { readonly code: string }) {
  const { data: me } = useSuspenseQuery(meQuery)
  const { data: login, error } = useQuery(deviceLoginQuery(code))
  const [role, setRole] = useState<Role>(me.role)
  const [days, setDays] = useState<Days>('90')
  const decide = useMutation({
    mutationFn: (approve: boolean) =>
      api.call('decideDeviceLogin', {
        params: { userCode: code },
        body: { approve, role, expiresInDays: days === 'never' ? null : Number(days) },
      }),
  })
  if (decide.isSuccess) {
    return decide.variables ? (
      <Note tone="running" icon={Check} title="It is let in">
        <p>Go back to the terminal. You can revoke its key under API keys at any time.</p>
      </Note>
    ) : (
      <Note tone="stopped" icon={X} title="It is not let in">
        <p>If you did not start it yourself, somebody else did, and got nothing.</p>
      </Note>
    )
  }
  if (login === undefined) {
    return error ? (
      <>
        <ErrorNote error={error} />
        <EnterCode />
      </>
    ) : (
      <div className="stack" role="status" aria-busy="true" aria-label="Loading">
        <Skeleton height={2.75} />
      </div>
    )
  }
  return (
    <Card title="Does this come from you?">
      <div className="pad stack">
        <Note tone="deploying" icon={Terminal} title="Compare the code with the one in your terminal">
          <p className="device-code mono">{login.userCode}</p>
          <p>Approve it only if both are the same and you started it yourself, just now.</p>
        </Note>
        <KeyValues
          items={{
            Asks: login.client,
            From: login.address ?? 'an unknown address',
            Since: <Ago at={login.createdAt} />,
            Workspace: me.workspace.name,
          }}
        />
        <Field label="Role of its key">
          {({ id }) => <RoleSelect id={id} value={role} upTo={me.role} onChange={setRole} />}
        </Field>
        <div className="field">
          <span className="label">Its key expires after</span>
          <div>
            <Segmented label="Its key expires after" value={days} options={EXPIRIES} onChange={setDays} />
          </div>
        </div>
        {decide.error && <ErrorNote error={decide.error} />}
        <div className="row">
          <Button variant="primary" pending={decide.isPending} onClick={() => decide.mutate(true)}>
            Approve
          </Button>
          <Button variant="quiet" disabled={decide.isPending} onClick={() => decide.mutate(false)}>
            Deny
          </Button>
        </div>
      </div>
    </Card>
  )
}
