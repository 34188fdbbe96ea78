import { useState, type FormEvent } from 'react'
import { Button } from '../../kit/button.tsx'
import { Dialog } from '../../kit/dialog.tsx'
import { Field, TextArea } from '../../kit/field.tsx'
import { plural } from '../../kit/format.ts'
import { parseEnvFile, type EnvFile } from './env-file.ts'

interface PasteEnvProps {
  readonly onTake: (variables: EnvFile['variables']) => void
  readonly onClose: () => void
  /** Until when the values are nowhere but here. */
  readonly until?: string
}

/** Takes the text of a .env file apart into variables. */
export function PasteEnv({ onTake, onClose, until = 'you deploy' }: PasteEnvProps) {
  const [text, setText] = useState('')
  const { variables, unread } = parseEnvFile(text)
  const isEmpty = variables.length === 0
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (isEmpty) return
    onTake(variables)
    onClose()
  }
  return (
    <Dialog title="Paste .env" onClose={onClose}>
      <form className="dialog-body" onSubmit={submit}>
        <Field
          label="Contents"
          hint={
            text.trim() === ''
              ? `Lines such as NAME=value. They stay in this page until ${until}.`
              : `${plural(variables.length, 'variable')} found.`
          }
          error={unread.length > 0 ? unreadWords(unread, variables.length) : undefined}
        >
          {(control) => (
            <TextArea
              {...control}
              rows={8}
              placeholder={'API_TOKEN=…\nREGION=eu'}
              value={text}
              onChange={({ target }) => setText(target.value)}
            />
          )}
        </Field>
        <div className="dialog-actions">
          <Button variant="quiet" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" variant="primary" blocked={isEmpty}>
            {isEmpty ? 'Take variables' : `Take ${plural(variables.length, 'variable')}`}
          </Button>
        </div>
      </form>
    </Dialog>
  )
}

function unreadWords(lines: readonly number[], found: number): string {
  return `${plural(found, 'variable')} found. Could not read ${lines.length === 1 ? 'line' : 'lines'} ${lines.join(', ')}.`
}
