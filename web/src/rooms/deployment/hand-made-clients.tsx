import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Plus } from 'lucide-react'
import { useState } from 'react'
import { useForm } from 'react-hook-form'
import { api, type NewOAuthClient, type OAuthClient } from '../../api/client.ts'
import { oauthClientsQuery } from '../../api/queries.ts'
import { tell } from '../../app/toasts.ts'
import { Ago } from '../../kit/ago.tsx'
import { Badge } from '../../kit/badge.tsx'
import { Button } from '../../kit/button.tsx'
import { Card } from '../../kit/card.tsx'
import { Code } from '../../kit/code.tsx'
import { Confirm } from '../../kit/confirm.tsx'
import { Dialog } from '../../kit/dialog.tsx'
import { Empty } from '../../kit/empty.tsx'
import { ErrorNote } from '../../kit/error-note.tsx'
import { Checkbox, Field, Input, TextArea } from '../../kit/field.tsx'
import { Unloaded } from '../../kit/unloaded.tsx'
import '../../kit/table.css'

/** Client ids that were made by hand, for programs that neither register themselves nor have a metadata document. */
export function HandMadeClients({ id }: { readonly id: string }) {
  const { data: clients, error, refetch } = useQuery(oauthClientsQuery(id))
  const [isMaking, setMaking] = useState(false)
  const [deleting, setDeleting] = useState<OAuthClient | null>(null)
  const make = (
    <Button icon={Plus} onClick={() => setMaking(true)}>
      Make one
    </Button>
  )
  return (
    <Card className="cut" title="Client IDs" actions={clients && clients.length > 0 && make}>
      {clients === undefined ? (
        <Unloaded
          label="Loading client IDs"
          error={error}
          onRetry={() => void refetch()}
          padded
          lines={[20]}
        />
      ) : clients.length === 0 ? (
        <Empty title="None is needed for most clients" action={make}>
          Claude, ChatGPT, Cursor and VS Code introduce themselves. Make one for a program that asks for a
          client ID and secret.
        </Empty>
      ) : (
        <ClientTable clients={clients} onDelete={setDeleting} />
      )}
      {isMaking && <MakeClient id={id} onClose={() => setMaking(false)} />}
      {deleting && <DeleteClient id={id} client={deleting} onClose={() => setDeleting(null)} />}
    </Card>
  )
}

interface ClientTableProps {
  readonly clients: readonly OAuthClient[]
  readonly onDelete: (client: OAuthClient) => void
}

function ClientTable({ clients, onDelete }: ClientTableProps) {
  return (
    <table className="table low">
      <thead>
        <tr>
          <th scope="col">Client</th>
          <th scope="col" className="no-s">
            May send people to
          </th>
          <th scope="col" className="no-s">
            Made
          </th>
          <th scope="col">
            <span className="sr">Actions</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {clients.map((client) => (
          <tr key={client.id}>
            <td className="name">
              {client.name} {!client.hasSecret && <Badge>No secret</Badge>}
              <div className="sub mono">{client.id}</div>
            </td>
            <td className="no-s mono dim">
              {client.redirectUris.map((uri) => (
                <div key={uri} className="clip">
                  {uri}
                </div>
              ))}
            </td>
            <td className="no-s dim">
              <Ago at={client.createdAt} />
            </td>
            <td className="n">
              <Button
                size="sm"
                variant="quiet"
                aria-label={`Delete ${client.name}`}
                onClick={() => onDelete(client)}
              >
                Delete
              </Button>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

interface Values {
  name: string
  redirects: string
  secret: boolean
}

const lines = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')

interface MakeClientProps {
  readonly id: string
  readonly onClose: () => void
}

function MakeClient({ id, onClose }: MakeClientProps) {
  const queryClient = useQueryClient()
  const { register, handleSubmit, formState } = useForm<Values>({
    defaultValues: { name: '', redirects: '', secret: true },
  })
  const make = useMutation({
    mutationFn: ({ name, redirects, secret }: Values) =>
      api.call('createOAuthClient', {
        params: { id },
        body: { name, redirectUris: lines(redirects), secret },
      }),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: oauthClientsQuery(id).queryKey }),
  })
  if (make.data) return <Made client={make.data} onClose={onClose} />
  const { errors } = formState
  return (
    <Dialog title="Make a client ID" onClose={onClose}>
      <form
        className="dialog-body"
        noValidate
        onSubmit={(event) => void handleSubmit((values) => make.mutate(values))(event)}
      >
        <Field label="Name" hint="People are shown it when they connect." error={errors.name?.message}>
          {(control) => (
            <Input
              {...control}
              {...register('name', {
                validate: (name) => /^.{1,80}$/.test(name.trim()) || 'Enter a name, 80 characters at most.',
              })}
            />
          )}
        </Field>
        <Field
          label="Redirect addresses"
          hint="Where the program may have people sent back to, one a line; its documentation says which. https, or http to the own machine."
          error={errors.redirects?.message}
        >
          {(control) => (
            <TextArea
              {...control}
              rows={2}
              className="mono"
              placeholder="https://client.example.com/callback"
              {...register('redirects', {
                validate: (text) => lines(text).length > 0 || 'Enter at least one address.',
              })}
            />
          )}
        </Field>
        <Checkbox label="It can keep a secret" {...register('secret')} />
        {make.error && <ErrorNote error={make.error} />}
        <div className="dialog-actions">
          <Button variant="quiet" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" variant="primary" pending={make.isPending}>
            Make it
          </Button>
        </div>
      </form>
    </Dialog>
  )
}

interface MadeProps {
  readonly client: NewOAuthClient
  readonly onClose: () => void
}

function Made({ client, onClose }: MadeProps) {
  return (
    <Dialog title={`Client “${client.name}”`} onClose={onClose}>
      <div className="dialog-body">
        <p>Enter this in the program, beside the address of the endpoint.</p>
        <div className="field">
          <span className="label">Client ID</span>
          <Code text={client.id} what="the client ID" />
        </div>
        {client.secret !== null && (
          <div className="field">
            <span className="label">Client secret</span>
            <Code text={client.secret} what="the client secret" />
            <p className="hint">It is shown this once; only its hash is stored.</p>
          </div>
        )}
        <div className="dialog-actions">
          <Button variant="primary" onClick={onClose}>
            I have saved it
          </Button>
        </div>
      </div>
    </Dialog>
  )
}

function DeleteClient({ id, client, onClose }: MakeClientProps & { readonly client: OAuthClient }) {
  const queryClient = useQueryClient()
  const remove = useMutation({
    mutationFn: () => api.call('deleteOAuthClient', { params: { id, clientId: client.id } }),
    onSuccess: async () => {
      tell({ tone: 'stopped', text: `${client.name} is deleted` })
      onClose()
      await Promise.all(
        [oauthClientsQuery(id).queryKey, ['connections', id]].map((queryKey) =>
          queryClient.invalidateQueries({ queryKey }),
        ),
      )
    },
  })
  return (
    <Confirm
      title={`Delete ${client.name}`}
      action="Delete"
      pending={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate()}
      onClose={onClose}
    >
      <p>It is refused from the next call on, for everybody who has connected it.</p>
    </Confirm>
  )
}
