import { useMutation, useQuery, useQueryClient, useSuspenseQuery } from '@tanstack/react-query'
import { Plus } from 'lucide-react'
import { useState } from 'react'
import { useForm } from 'react-hook-form'
import { accountSchemas, api, type ApiKey, type ApiScope, type Role } from '../../api/client.ts'
import { apiKeysQuery, meQuery } from '../../api/queries.ts'
import { Page } from '../../app/page.tsx'
import { tell } from '../../app/toasts.ts'
import { Ago } from '../../kit/ago.tsx'
import { Button } from '../../kit/button.tsx'
import { Confirm } from '../../kit/confirm.tsx'
import { Dialog } from '../../kit/dialog.tsx'
import { Empty } from '../../kit/empty.tsx'
import { ErrorNote } from '../../kit/error-note.tsx'
import { Field, Input } from '../../kit/field.tsx'
import { fits } from '../../kit/form.ts'
import { formatDay } from '../../kit/format.ts'
import { useNow } from '../../kit/now.ts'
import { PageHead } from '../../kit/page-head.tsx'
import { Segmented } from '../../kit/segmented.tsx'
import { Unloaded } from '../../kit/unloaded.tsx'
import { NewToken } from '../deployment/new-token.tsx'
import { ScopeChoice } from './scope-choice.tsx'
import { RoleSelect } from './role-select.tsx'
import { ROLE_WORDS } from './roles.ts'
import '../../kit/table.css'
import './people.css'

/** Keys for scripts and the command line. */
export function ApiKeysRoom() {
  const { data: me } = useSuspenseQuery(meQuery)
  const { data: keys, error, refetch } = useQuery(apiKeysQuery)
  const [isMaking, setMaking] = useState(false)
  const [revoking, setRevoking] = useState<ApiKey | null>(null)
  const make = (
    <Button variant="primary" icon={Plus} onClick={() => setMaking(true)}>
      Make a key
    </Button>
  )
  return (
    <Page title="API keys">
      <PageHead
        title="API keys"
        lead="For scripts and the command line. A key never does more than its maker may do at the moment."
        actions={keys !== undefined && keys.length > 0 && make}
      />
      <section className="card cut">
        {keys === undefined ? (
          <Unloaded label="Loading keys" error={error} onRetry={() => void refetch()} padded />
        ) : keys.length === 0 ? (
          <Empty title="No API keys" action={make}>
            With one, bin/catwalk login works from any machine.
          </Empty>
        ) : (
          <KeyTable keys={keys} onRevoke={setRevoking} />
        )}
      </section>
      {isMaking && <MakeKey role={me.role} onClose={() => setMaking(false)} />}
      {revoking && <RevokeKey apiKey={revoking} onClose={() => setRevoking(null)} />}
    </Page>
  )
}

interface KeyTableProps {
  readonly keys: readonly ApiKey[]
  readonly onRevoke: (key: ApiKey) => void
}

function KeyTable({ keys, onRevoke }: KeyTableProps) {
  const now = useNow(null)
  return (
    <table className="table low people">
      <thead>
        <tr>
          <th scope="col">Name</th>
          <th scope="col" className="no-s">
            Role
          </th>
          <th scope="col" className="no-s">
            Last used
          </th>
          <th scope="col" className="no-s">
            Expires
          </th>
          <th scope="col">
            <span className="sr">Actions</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {keys.map((key) => (
          <tr key={key.id}>
            <td>
              <span className="name">{key.name}</span>
              <div className="sub mono">{key.prefix}…</div>
            </td>
            <td className="no-s">
              {ROLE_WORDS[key.role]}
              {key.scopes !== null && <div className="sub mono">{key.scopes.join(' ')}</div>}
            </td>
            <td className="no-s dim">
              {key.lastUsedAt === null ? <span className="faint">Never</span> : <Ago at={key.lastUsedAt} />}
            </td>
            <td className="no-s dim">
              {key.expiresAt === null ? (
                <span className="faint">Never</span>
              ) : (
                formatDay(Date.parse(key.expiresAt), now)
              )}
            </td>
            <td className="n">
              <Button
                size="sm"
                variant="quiet"
                aria-label={`Revoke ${key.name}`}
                onClick={() => onRevoke(key)}
              >
                Revoke
              </Button>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

type Days = 'never' | '30' | '90' | '365'

const EXPIRIES = [
  { value: 'never', label: 'Never' },
  { value: '30', label: '30 days' },
  { value: '90', label: '90 days' },
  { value: '365', label: '1 year' },
] as const satisfies readonly { value: Days; label: string }[]

function MakeKey({ role: own, onClose }: { readonly role: Role; readonly onClose: () => void }) {
  const queryClient = useQueryClient()
  const [role, setRole] = useState<Role>(own === 'viewer' ? 'viewer' : 'member')
  const [scopes, setScopes] = useState<readonly ApiScope[] | null>(null)
  const [days, setDays] = useState<Days>('90')
  const { register, handleSubmit, formState } = useForm<{ name: string }>()
  const make = useMutation({
    mutationFn: ({ name }: { name: string }) =>
      api.call('createApiKey', {
        body: {
          name,
          role,
          scopes: scopes && [...scopes],
          expiresInDays: days === 'never' ? null : Number(days),
        },
      }),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: apiKeysQuery.queryKey }),
  })
  if (make.data) {
    return (
      <Dialog title={`Key “${make.data.name}”`} onClose={onClose}>
        <NewToken secret={make.data.key} what="act here in your name" onSaved={onClose} />
      </Dialog>
    )
  }
  return (
    <Dialog title="Make an API key" onClose={onClose}>
      <form
        className="dialog-body"
        noValidate
        onSubmit={(event) => void handleSubmit((values) => make.mutate(values))(event)}
      >
        <Field
          label="Name"
          hint="What uses it, such as “deploy script”."
          error={formState.errors.name?.message}
        >
          {(control) => (
            <Input
              {...control}
              {...register('name', {
                validate: fits(
                  accountSchemas.CreateApiKey.shape.name,
                  'Enter a name, 80 characters at most.',
                ),
              })}
            />
          )}
        </Field>
        <Field label="Role">
          {({ id }) => <RoleSelect id={id} value={role} upTo={own} onChange={setRole} />}
        </Field>
        <ScopeChoice chosen={scopes} onChange={setScopes} />
        <div className="field">
          <span className="label">Expires</span>
          <div>
            <Segmented label="Expires" value={days} options={EXPIRIES} onChange={setDays} />
          </div>
        </div>
        {make.error && <ErrorNote error={make.error} />}
        <div className="dialog-actions">
          <Button variant="quiet" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" variant="primary" pending={make.isPending} disabled={scopes?.length === 0}>
            Make the key
          </Button>
        </div>
      </form>
    </Dialog>
  )
}

function RevokeKey({ apiKey, onClose }: { readonly apiKey: ApiKey; readonly onClose: () => void }) {
  const queryClient = useQueryClient()
  const revoke = useMutation({
    mutationFn: () => api.call('revokeApiKey', { params: { id: apiKey.id } }),
    onSuccess: async () => {
      tell({ tone: 'stopped', text: `${apiKey.name} is revoked` })
      onClose()
      await queryClient.invalidateQueries({ queryKey: apiKeysQuery.queryKey })
    },
  })
  return (
    <Confirm
      title={`Revoke ${apiKey.name}`}
      action="Revoke"
      pending={revoke.isPending}
      error={revoke.error}
      onConfirm={() => revoke.mutate()}
      onClose={onClose}
    >
      <p>Whatever uses it is refused from the next request on.</p>
    </Confirm>
  )
}
