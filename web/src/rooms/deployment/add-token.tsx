import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useForm } from 'react-hook-form'
import { api, schemas } from '../../api/client.ts'
import { tokensQuery } from '../../api/queries.ts'
import { Button } from '../../kit/button.tsx'
import { Dialog } from '../../kit/dialog.tsx'
import { ErrorNote } from '../../kit/error-note.tsx'
import { Field, Input } from '../../kit/field.tsx'
import { fits } from '../../kit/form.ts'
import { Segmented } from '../../kit/segmented.tsx'
import { NewToken } from './new-token.tsx'
import { PersonalNote, type Personal } from './personal-note.tsx'
import { limitsOf, TokenLimits, type LimitTexts } from './token-limits.tsx'

type Scope = 'full' | 'read'

const SCOPES = [
  { value: 'full', label: 'Everything' },
  { value: 'read', label: 'Read, but call no tools' },
] as const satisfies readonly { value: Scope; label: string }[]

type Days = 'never' | '30' | '90' | '365'

const EXPIRIES = [
  { value: 'never', label: 'Never' },
  { value: '30', label: '30 days' },
  { value: '90', label: '90 days' },
  { value: '365', label: '1 year' },
] as const satisfies readonly { value: Days; label: string }[]

interface AddTokenProps {
  readonly id: string
  /** Whether calls with it are made with the credentials of whoever makes it; `maybe` for a collection. */
  readonly personal: Personal
  readonly onClose: () => void
}

export function AddToken({ id, personal, onClose }: AddTokenProps) {
  const queryClient = useQueryClient()
  const [scope, setScope] = useState<Scope>('full')
  const [days, setDays] = useState<Days>('never')
  const [texts, setTexts] = useState<LimitTexts>({ callsPerMinute: '', concurrentCalls: '' })
  const limits = limitsOf(texts)
  const { register, handleSubmit, formState } = useForm<{ name: string }>()
  const add = useMutation({
    mutationFn: ({ name }: { name: string }) =>
      api.call('createToken', {
        params: { id },
        body: { name, scope, expiresInDays: days === 'never' ? null : Number(days), ...limits },
      }),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: tokensQuery(id).queryKey }),
  })
  if (add.data) {
    return (
      <Dialog title={`Token “${add.data.name}”`} onClose={onClose}>
        <NewToken secret={add.data.secret} onSaved={onClose} />
      </Dialog>
    )
  }
  return (
    <Dialog title="Add a token" onClose={onClose}>
      <form
        className="dialog-body"
        noValidate
        onSubmit={(event) =>
          void handleSubmit((values) => {
            if (limits !== null) add.mutate(values)
          })(event)
        }
      >
        <Field
          label="Name"
          hint="Who or what uses it, such as “Ana’s laptop”."
          error={formState.errors.name?.message}
        >
          {(control) => (
            <Input
              {...control}
              {...register('name', {
                validate: fits(schemas.CreateToken.shape.name, 'Enter a name, 80 characters at most.'),
              })}
            />
          )}
        </Field>
        <div className="field">
          <span className="label">May</span>
          <div>
            <Segmented label="May" value={scope} options={SCOPES} onChange={setScope} />
          </div>
        </div>
        <div className="field">
          <span className="label">Expires</span>
          <div>
            <Segmented label="Expires" value={days} options={EXPIRIES} onChange={setDays} />
          </div>
        </div>
        <TokenLimits texts={texts} onChange={setTexts} />
        <PersonalNote personal={personal} />
        {add.error && <ErrorNote error={add.error} />}
        <div className="dialog-actions">
          <Button variant="quiet" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" variant="primary" blocked={limits === null} pending={add.isPending}>
            Make the token
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
