import { useMutation } from '@tanstack/react-query'
import { useState, type FormEvent } from 'react'
import { api, type Deployment } from '../../api/client.ts'
import { Button } from '../../kit/button.tsx'
import { Dialog } from '../../kit/dialog.tsx'
import { download } from '../../kit/download.ts'
import { ErrorNote } from '../../kit/error-note.tsx'
import { Checkbox, Field, SecretInput } from '../../kit/field.tsx'

const SHORTEST_PASSPHRASE = 10

interface ExportDialogProps {
  readonly deployment: Deployment
  /** Whether the one who looks may take its values along. */
  readonly mayTakeSecrets: boolean
  readonly onClose: () => void
}

/** Saves the deployment as a file; its values only under a passphrase. */
export function ExportDialog({ deployment, mayTakeSecrets, onClose }: ExportDialogProps) {
  const { id, name, slug } = deployment
  const [isWithSecrets, setWithSecrets] = useState(false)
  const [passphrase, setPassphrase] = useState('')
  const save = useMutation({
    mutationFn: () =>
      isWithSecrets
        ? api.call('exportWithSecrets', { params: { id }, body: { passphrase } })
        : api.call('exportDeployment', { params: { id } }),
    onSuccess: (file) => {
      download(`${slug}.catwalk.json`, `${JSON.stringify(file, null, 2)}\n`)
      onClose()
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!save.isPending) save.mutate()
  }
  return (
    <Dialog title={`Export ${name}`} onClose={onClose}>
      <form className="dialog-body" onSubmit={submit}>
        <p>A file with its source, exact version, arguments and settings. Another Catwalk can import it.</p>
        {mayTakeSecrets ? (
          <Checkbox
            label="Take its values along, encrypted"
            checked={isWithSecrets}
            onChange={({ target }) => setWithSecrets(target.checked)}
          />
        ) : (
          <p className="dim">Its values stay here. An owner or admin can export them, encrypted.</p>
        )}
        {isWithSecrets && (
          <Field
            label="Passphrase"
            mark="Required"
            hint={`${SHORTEST_PASSPHRASE} characters or more. Whoever imports the file needs it; it is kept nowhere.`}
          >
            {(control) => (
              <SecretInput
                {...control}
                what="the passphrase"
                autoComplete="new-password"
                minLength={SHORTEST_PASSPHRASE}
                required
                value={passphrase}
                onChange={({ target }) => setPassphrase(target.value)}
              />
            )}
          </Field>
        )}
        {save.error && <ErrorNote error={save.error} />}
        <div className="dialog-actions">
          <Button variant="quiet" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" variant="primary" pending={save.isPending}>
            Save the file
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
