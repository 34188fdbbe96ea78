import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { TriangleAlert } from 'lucide-react'
import { useState, type FormEvent } from 'react'
import { z } from 'zod'
import { api, ApiError } from '../../api/client.ts'
import { deploymentsQuery } from '../../api/queries.ts'
import { keepFreshToken } from '../../app/fresh-tokens.ts'
import { tell } from '../../app/toasts.ts'
import { Button } from '../../kit/button.tsx'
import { Dialog } from '../../kit/dialog.tsx'
import { ErrorNote } from '../../kit/error-note.tsx'
import { Checkbox, Field, Input, SecretInput } from '../../kit/field.tsx'
import { Note } from '../../kit/note.tsx'

const Missing = z.object({ missing: z.array(z.string()) })
const Open = z.object({ warnings: z.array(z.object({ message: z.string() })) })

interface Chosen {
  readonly document: Readonly<Record<string, unknown>>
  readonly hasSecrets: boolean
}

/** Makes a deployment from a file that an export gave, asking for what only the reader has. */
export function ImportDialog({ onClose }: { readonly onClose: () => void }) {
  const navigate = useNavigate()
  const queryClient = useQueryClient()
  const [chosen, setChosen] = useState<Chosen | 'unreadable' | null>(null)
  const [passphrase, setPassphrase] = useState('')
  const [missing, setMissing] = useState<readonly string[]>([])
  const [values, setValues] = useState<Readonly<Record<string, string>>>({})
  const [warnings, setWarnings] = useState<readonly string[]>([])
  const [isConfirmed, setConfirmed] = useState(false)
  const take = useMutation({
    mutationFn: ({ document, hasSecrets }: Chosen) =>
      api.call('importDeployment', {
        body: {
          file: document,
          values: Object.fromEntries(Object.entries(values).filter(([, value]) => value !== '')),
          ...(hasSecrets && passphrase !== '' ? { passphrase } : {}),
          ...(isConfirmed ? { confirmWarnings: true } : {}),
        },
      }),
    onSuccess: async ({ deployment, token, notes }) => {
      keepFreshToken(deployment.id, token.secret)
      queryClient.setQueryData(['deployment', deployment.slug], deployment)
      void queryClient.invalidateQueries({ queryKey: deploymentsQuery.queryKey })
      for (const text of notes) tell({ tone: 'stopped', text })
      await navigate({ to: '/deployments/$slug', params: { slug: deployment.slug } })
    },
    onError: (error) => {
      if (!(error instanceof ApiError)) return
      const { error: code, details } = error.body
      const asked = Missing.safeParse(details)
      if (code === 'missing_variable' && asked.success) setMissing(asked.data.missing)
      const open = Open.safeParse(details)
      if (code === 'unconfirmed_warnings' && open.success) {
        setWarnings(open.data.warnings.map(({ message }) => message))
      }
    },
  })
  const choose = async (file: File | undefined) => {
    take.reset()
    setMissing([])
    setWarnings([])
    setConfirmed(false)
    setChosen(file === undefined ? null : await readFile(file))
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (chosen !== null && chosen !== 'unreadable' && !take.isPending) take.mutate(chosen)
  }
  const isAnswered = missing.length > 0 || warnings.length > 0
  return (
    <Dialog title="Import a deployment" onClose={onClose}>
      <form className="dialog-body" onSubmit={submit}>
        <Field
          label="File"
          hint="What the export of a deployment saved."
          error={chosen === 'unreadable' ? 'This is not what an export saved.' : undefined}
        >
          {(control) => (
            <Input
              {...control}
              type="file"
              accept=".json,application/json"
              required
              onChange={({ target }) => void choose(target.files?.[0])}
            />
          )}
        </Field>
        {chosen !== null && chosen !== 'unreadable' && (
          <>
            {chosen.hasSecrets && (
              <Field
                label="Passphrase"
                hint="That the file was exported with. Without it you give the values yourself."
              >
                {(control) => (
                  <SecretInput
                    {...control}
                    what="the passphrase"
                    value={passphrase}
                    onChange={({ target }) => setPassphrase(target.value)}
                  />
                )}
              </Field>
            )}
            {missing.map((name) => (
              <Field key={name} label={<code>{name}</code>} mark="Required">
                {(control) => (
                  <SecretInput
                    {...control}
                    what={name}
                    value={values[name] ?? ''}
                    onChange={({ target }) => setValues({ ...values, [name]: target.value })}
                  />
                )}
              </Field>
            ))}
            {warnings.map((message) => (
              <Note key={message} tone="unhealthy" icon={TriangleAlert} title="Worth knowing">
                <p>{message}</p>
              </Note>
            ))}
            {warnings.length > 0 && (
              <Checkbox
                label="I know, import it all the same"
                checked={isConfirmed}
                onChange={({ target }) => setConfirmed(target.checked)}
              />
            )}
          </>
        )}
        {take.error && !isAsked(take.error) && <ErrorNote error={take.error} />}
        {take.error && isAsked(take.error) && (
          <p role="alert">
            {warnings.length === 0
              ? 'Fill in what is missing, then go on.'
              : 'Read the warnings, then go on.'}
          </p>
        )}
        <div className="dialog-actions">
          <Button variant="quiet" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" variant="primary" pending={take.isPending}>
            {isAnswered ? 'Import it so' : 'Import'}
          </Button>
        </div>
      </form>
    </Dialog>
  )
}

/** Whether the dialog itself asks for what the error says is missing. */
function isAsked(error: unknown): boolean {
  return error instanceof ApiError && ['missing_variable', 'unconfirmed_warnings'].includes(error.body.error)
}

async function readFile(file: File): Promise<Chosen | 'unreadable'> {
  try {
    const document = z.record(z.string(), z.unknown()).parse(JSON.parse(await file.text()))
    return { document, hasSecrets: (document['secrets'] ?? null) !== null }
  } catch {
    return 'unreadable'
  }
}
