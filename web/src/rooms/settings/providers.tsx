import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Plus } from 'lucide-react'
import { useState } from 'react'
import { useForm, useWatch } from 'react-hook-form'
import { api, type AccountProvider } from '../../api/client.ts'
import { accountProvidersQuery } from '../../api/queries.ts'
import { tell, tellFailure } from '../../app/toasts.ts'
import { Button } from '../../kit/button.tsx'
import { Card } from '../../kit/card.tsx'
import { Code } from '../../kit/code.tsx'
import { Dialog } from '../../kit/dialog.tsx'
import { Empty } from '../../kit/empty.tsx'
import { ErrorNote } from '../../kit/error-note.tsx'
import { Field, Input, SecretInput, Select } from '../../kit/field.tsx'

/** Services where members connect accounts, as the workspace is registered with them. */
export function Providers() {
  const { data, error, refetch } = useQuery(accountProvidersQuery)
  const queryClient = useQueryClient()
  const [isAdding, setAdding] = useState(false)
  const remove = useMutation({
    mutationFn: ({ id }: AccountProvider) => api.call('deleteAccountProvider', { params: { provider: id } }),
    onSuccess: async (_, { name }) => {
      tell({ tone: 'stopped', text: `${name} is deleted` })
      await queryClient.invalidateQueries({ queryKey: accountProvidersQuery.queryKey })
    },
    onError: tellFailure,
  })
  const add = (
    <Button icon={Plus} onClick={() => setAdding(true)}>
      Add a service
    </Button>
  )
  return (
    <Card className="cut" title="Services for accounts" actions={data && data.length > 0 && add}>
      {data === undefined ? (
        <div className="pad">{error && <ErrorNote error={error} onRetry={() => void refetch()} />}</div>
      ) : data.length === 0 ? (
        <Empty title="No account can be connected yet" action={add}>
          Register Catwalk with a service such as GitHub or Google, and members can connect accounts there
          instead of pasting tokens.
        </Empty>
      ) : (
        <table className="table low people">
          <thead>
            <tr>
              <th scope="col">Service</th>
              <th scope="col" className="no-s">
                Scopes
              </th>
              <th scope="col">Accounts</th>
              <th scope="col">
                <span className="sr">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {data.map((provider) => (
              <tr key={provider.id}>
                <td>
                  <span className="name">{provider.name}</span>
                  <div className="sub mono">{new URL(provider.tokenUrl).host}</div>
                </td>
                <td className="no-s mono">{provider.scopes.join(' ')}</td>
                <td className="num">{provider.accounts}</td>
                <td className="n">
                  <Button
                    size="sm"
                    variant="quiet"
                    aria-label={`Delete ${provider.name}`}
                    blocked={provider.accounts > 0}
                    onClick={() => remove.mutate(provider)}
                  >
                    Delete
                  </Button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {isAdding && <AddProvider onClose={() => setAdding(false)} />}
    </Card>
  )
}

interface Values {
  kind: 'github' | 'google' | 'other'
  name: string
  clientId: string
  clientSecret: string
  authorizationUrl: string
  tokenUrl: string
  revocationUrl: string
  issuer: string
  scopes: string
}

function AddProvider({ onClose }: { readonly onClose: () => void }) {
  const queryClient = useQueryClient()
  const { register, handleSubmit, control, formState } = useForm<Values>({
    defaultValues: {
      kind: 'github',
      name: '',
      clientId: '',
      clientSecret: '',
      authorizationUrl: '',
      tokenUrl: '',
      revocationUrl: '',
      issuer: '',
      scopes: '',
    },
  })
  const kind = useWatch({ control, name: 'kind' })
  const save = useMutation({
    mutationFn: (values: Values) => api.call('putAccountProvider', { body: toBody(values) }),
    onSuccess: async ({ name }) => {
      tell({ tone: 'running', text: `${name} is there` })
      await queryClient.invalidateQueries({ queryKey: accountProvidersQuery.queryKey })
      onClose()
    },
  })
  const { errors } = formState
  return (
    <Dialog title="Add a service" onClose={onClose}>
      <form
        className="dialog-body"
        noValidate
        onSubmit={(event) => void handleSubmit((values) => save.mutate(values))(event)}
      >
        <p className="dim">Register an OAuth app with the service first, with this redirect address:</p>
        <Code text={`${location.origin}/accounts/callback`} what="the redirect address" />
        <Field label="Service">
          {(attributes) => (
            <Select {...attributes} {...register('kind')}>
              <option value="github">GitHub</option>
              <option value="google">Google</option>
              <option value="other">Another one</option>
            </Select>
          )}
        </Field>
        <Field
          label="Name"
          mark={kind === 'other' ? 'Required' : 'Optional'}
          hint="What it is called here: lower-case letters, digits and hyphens."
          error={errors.name?.message}
        >
          {(attributes) => (
            <Input
              {...attributes}
              placeholder={kind === 'other' ? '' : kind}
              {...register('name', {
                validate: (name) => name !== '' || kind !== 'other' || 'Enter a name.',
              })}
            />
          )}
        </Field>
        <Field label="Client ID" error={errors.clientId?.message}>
          {(attributes) => (
            <Input
              {...attributes}
              className="mono"
              {...register('clientId', { required: 'Enter the client ID.' })}
            />
          )}
        </Field>
        <Field label="Client secret" hint="Left out for an app that has none.">
          {(attributes) => (
            <SecretInput
              {...attributes}
              what="the client secret"
              className="mono"
              autoComplete="new-password"
              {...register('clientSecret')}
            />
          )}
        </Field>
        {kind === 'other' && (
          <>
            <Field label="Authorization endpoint" error={errors.authorizationUrl?.message}>
              {(attributes) => (
                <Input
                  {...attributes}
                  className="mono"
                  placeholder="https://"
                  {...register('authorizationUrl', { required: 'Enter the address.' })}
                />
              )}
            </Field>
            <Field label="Token endpoint" error={errors.tokenUrl?.message}>
              {(attributes) => (
                <Input
                  {...attributes}
                  className="mono"
                  placeholder="https://"
                  {...register('tokenUrl', { required: 'Enter the address.' })}
                />
              )}
            </Field>
            <Field
              label="Revocation endpoint"
              mark="Optional"
              hint="Where tokens are ended when an account is disconnected (RFC 7009)."
            >
              {(attributes) => (
                <Input
                  {...attributes}
                  className="mono"
                  placeholder="https://"
                  {...register('revocationUrl')}
                />
              )}
            </Field>
            <Field label="Issuer" mark="Optional" hint="What it calls itself in its answers (iss).">
              {(attributes) => <Input {...attributes} className="mono" {...register('issuer')} />}
            </Field>
          </>
        )}
        <Field label="Scopes" mark="Optional" hint="What the servers need, separated by spaces.">
          {(attributes) => <Input {...attributes} className="mono" {...register('scopes')} />}
        </Field>
        {save.error && <ErrorNote error={save.error} />}
        <div className="dialog-actions">
          <Button variant="quiet" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" variant="primary" pending={save.isPending}>
            Add it
          </Button>
        </div>
      </form>
    </Dialog>
  )
}

function toBody(values: Values): Parameters<typeof api.call<'putAccountProvider'>>[1]['body'] {
  const { kind, name, clientId, clientSecret, authorizationUrl, tokenUrl, revocationUrl, issuer } = values
  const scopes = values.scopes.split(/\s+/).filter((scope) => scope !== '')
  return {
    name: name === '' ? kind : name,
    clientId: clientId.trim(),
    ...(clientSecret === '' ? { authMethod: 'none' } : { clientSecret }),
    ...(kind === 'other' ? { authorizationUrl, tokenUrl } : { preset: kind }),
    ...(kind === 'other' && revocationUrl !== '' ? { revocationUrl } : {}),
    ...(kind === 'other' && issuer !== '' ? { issuer } : {}),
    ...(scopes.length === 0 ? {} : { scopes }),
  }
}
