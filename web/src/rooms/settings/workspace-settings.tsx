import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { ClipboardPaste } from 'lucide-react'
import { useState, type FormEvent } from 'react'
import { api, type WorkspaceSetting } from '../../api/client.ts'
import { workspaceSettingsQuery } from '../../api/queries.ts'
import { Page } from '../../app/page.tsx'
import { tell } from '../../app/toasts.ts'
import { Ago } from '../../kit/ago.tsx'
import { Button } from '../../kit/button.tsx'
import { Confirm } from '../../kit/confirm.tsx'
import { Dialog } from '../../kit/dialog.tsx'
import { ErrorNote } from '../../kit/error-note.tsx'
import { Field, Input, SecretInput } from '../../kit/field.tsx'
import { PageHead } from '../../kit/page-head.tsx'
import { Skeleton } from '../../kit/skeleton.tsx'
import { PasteEnv } from '../review/paste-env.tsx'
import { Notices } from './notices.tsx'
import { Providers } from './providers.tsx'
import { FIELDS, known, ROWS, type Row, type Values } from './services.ts'
import '../../kit/table.css'
import '../people/people.css'

/** The workspace's own keys for services outside. */
export function WorkspaceSettingsRoom() {
  const { data: settings, error, refetch } = useQuery(workspaceSettingsQuery)
  const [changing, setChanging] = useState<Row | null>(null)
  const [removing, setRemoving] = useState<Row | null>(null)
  const [isPasting, setPasting] = useState(false)
  const [pasted, setPasted] = useState<Values | null>(null)
  return (
    <Page title="Settings">
      <PageHead
        title="Settings"
        lead="Own keys of this workspace for services outside. Each is checked before it is saved, encrypted, and serves this workspace alone."
        actions={
          <Button icon={ClipboardPaste} onClick={() => setPasting(true)}>
            Paste .env
          </Button>
        }
      />
      <div className="stack wide">
        <section className="card cut">
          {settings === undefined ? (
            <div className="pad stack" role="status" aria-busy={!error} aria-label="Loading settings">
              {error ? (
                <ErrorNote error={error} onRetry={() => void refetch()} />
              ) : (
                <>
                  <Skeleton width={20} />
                  <Skeleton width={16} />
                </>
              )}
            </div>
          ) : (
            <SettingsTable settings={settings} onChange={setChanging} onRemove={setRemoving} />
          )}
        </section>
        <Notices />
        <Providers />
      </div>
      {isPasting && (
        <PasteEnv
          onClose={() => setPasting(false)}
          onTake={(variables) => setPasted(known(variables))}
          until="you save them"
        />
      )}
      {pasted && <SavePasted values={pasted} onClose={() => setPasted(null)} />}
      {changing && <ChangeSetting row={changing} onClose={() => setChanging(null)} />}
      {removing && <RemoveSetting row={removing} onClose={() => setRemoving(null)} />}
    </Page>
  )
}

interface SettingsTableProps {
  readonly settings: readonly WorkspaceSetting[]
  readonly onChange: (row: Row) => void
  readonly onRemove: (row: Row) => void
}

function SettingsTable({ settings, onChange, onRemove }: SettingsTableProps) {
  return (
    <table className="table low people">
      <thead>
        <tr>
          <th scope="col">Service</th>
          <th scope="col">Value</th>
          <th scope="col" className="no-s">
            Checked
          </th>
          <th scope="col">
            <span className="sr">Actions</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {ROWS.map((row) => {
          const found = settings.filter(({ name, masked }) => row.names.includes(name) && masked !== null)
          const [first] = found
          return (
            <tr key={row.title}>
              <td>
                <span className="name">{row.title}</span>
                <div className="sub">{row.use}</div>
              </td>
              <td className="mono">
                {first === undefined ? (
                  <span className="faint">Not set</span>
                ) : (
                  found.map(({ name, masked }) => <div key={name}>{masked}</div>)
                )}
                {first?.account && <div className="sub">{first.account}</div>}
              </td>
              <td className="no-s dim">{first?.checkedAt && <Ago at={first.checkedAt} />}</td>
              <td className="n">
                <Button
                  size="sm"
                  variant="quiet"
                  aria-label={`${first === undefined ? 'Set' : 'Replace'} ${row.title}`}
                  onClick={() => onChange(row)}
                >
                  {first === undefined ? 'Set' : 'Replace'}
                </Button>
                {first !== undefined && (
                  <Button
                    size="sm"
                    variant="quiet"
                    aria-label={`Remove ${row.title}`}
                    onClick={() => onRemove(row)}
                  >
                    Remove
                  </Button>
                )}
              </td>
            </tr>
          )
        })}
      </tbody>
    </table>
  )
}

/** Saves values, and says so. */
function useSave(text: string, onDone: () => void) {
  const queryClient = useQueryClient()
  return useMutation({
    mutationFn: (values: Values) => api.call('changeWorkspaceSettings', { body: { values } }),
    onSuccess: async () => {
      tell({ tone: 'running', text })
      onDone()
      await queryClient.invalidateQueries({ queryKey: workspaceSettingsQuery.queryKey })
    },
  })
}

interface RowDialogProps {
  readonly row: Row
  readonly onClose: () => void
}

function ChangeSetting({ row, onClose }: RowDialogProps) {
  const [values, setValues] = useState<Values>({})
  const save = useSave(`${row.title}: checked and saved`, onClose)
  const isIncomplete = row.names.some((name) => !values[name]?.trim())
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!isIncomplete) save.mutate(values)
  }
  return (
    <Dialog title={row.title} onClose={onClose}>
      <form className="dialog-body" noValidate onSubmit={submit}>
        {row.names.map((name) => (
          <Field key={name} label={FIELDS[name].label} hint={FIELDS[name].hint}>
            {(control) => {
              const rest = {
                ...control,
                value: values[name] ?? '',
                onChange: ({ target }: { target: HTMLInputElement }) =>
                  setValues({ ...values, [name]: target.value }),
              }
              return FIELDS[name].isSecret ? (
                <SecretInput what={FIELDS[name].label} {...rest} />
              ) : (
                <Input {...rest} />
              )
            }}
          </Field>
        ))}
        {save.error && <ErrorNote error={save.error} />}
        <div className="dialog-actions">
          <Button variant="quiet" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" variant="primary" blocked={isIncomplete} pending={save.isPending}>
            Check and save
          </Button>
        </div>
      </form>
    </Dialog>
  )
}

function SavePasted({ values, onClose }: { readonly values: Values; readonly onClose: () => void }) {
  const names = Object.keys(values)
  const save = useSave('Checked and saved', onClose)
  return (
    <Dialog title="Save what was pasted" onClose={onClose}>
      <div className="dialog-body">
        {names.length === 0 ? (
          <p>None of the variables is a setting. They are called {Object.keys(FIELDS).join(', ')}.</p>
        ) : (
          <>
            <p>These are checked against their services and then saved, all of them or none:</p>
            <ul>
              {names.map((name) => (
                <li key={name} className="mono">
                  {name}
                </li>
              ))}
            </ul>
          </>
        )}
        {save.error && <ErrorNote error={save.error} />}
        <div className="dialog-actions">
          <Button variant="quiet" onClick={onClose}>
            {names.length === 0 ? 'Close' : 'Cancel'}
          </Button>
          {names.length > 0 && (
            <Button variant="primary" pending={save.isPending} onClick={() => save.mutate(values)}>
              Check and save
            </Button>
          )}
        </div>
      </div>
    </Dialog>
  )
}

function RemoveSetting({ row, onClose }: RowDialogProps) {
  const save = useSave(`${row.title}: removed`, onClose)
  return (
    <Confirm
      title={`Remove ${row.title}`}
      action="Remove"
      pending={save.isPending}
      error={save.error}
      onConfirm={() => save.mutate(Object.fromEntries(row.names.map((name) => [name, null])))}
      onClose={onClose}
    >
      <p>This workspace then uses what the installation is set up with, if anything.</p>
    </Confirm>
  )
}
