import { ClipboardPaste, Plus, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { useFieldArray, type UseFormReturn } from 'react-hook-form'
import { Button, IconButton } from '../../kit/button.tsx'
import { Card } from '../../kit/card.tsx'
import { FieldError, Input, SecretInput } from '../../kit/field.tsx'
import { PasteEnv } from './paste-env.tsx'
import type { EnvFile } from './env-file.ts'
import type { ReviewValues } from './values.ts'

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/

/** Names and values of the environment. Values are hidden as they are typed: most are secrets. */
export function Variables({ form }: { readonly form: UseFormReturn<ReviewValues> }) {
  const { control, register, formState, getValues } = form
  const { fields, append, remove, replace } = useFieldArray({ control, name: 'variables' })
  const [isPasting, setPasting] = useState(false)

  const take = (pasted: EnvFile['variables']) => {
    const merged = new Map(
      getValues('variables')
        .filter(({ name, value }) => name.trim() !== '' || value !== '')
        .map(({ name, value }) => [name.trim(), value]),
    )
    for (const { name, value } of pasted) merged.set(name, value)
    replace([...merged].map(([name, value]) => ({ name, value })))
  }

  const checkName = (name: string) => {
    if (!NAME.test(name.trim())) return 'Letters, digits and underscores, not starting with a digit.'
    const same = getValues('variables').filter((row) => row.name.trim() === name.trim())
    return same.length < 2 || `${name.trim()} is there twice.`
  }

  return (
    <Card
      title="What it needs from you"
      actions={
        <Button size="sm" icon={ClipboardPaste} onClick={() => setPasting(true)}>
          Paste .env
        </Button>
      }
    >
      <div className="pad stack">
        <p className="dim">
          Tokens and settings that the server reads from its environment, as its documentation names them.
          Encrypted, never shown again.
        </p>
        {fields.length > 0 && (
          <ul className="stack variables">
            {fields.map((field, index) => {
              const errors = formState.errors.variables?.[index]
              const complaint = errors?.name?.message ?? errors?.value?.message
              const number = index + 1
              return (
                <li key={field.id} className="variable">
                  <Input
                    aria-label={`Name of variable ${number}`}
                    aria-invalid={errors?.name !== undefined}
                    className="mono"
                    placeholder="NAME"
                    autoCapitalize="off"
                    {...register(`variables.${index}.name`, { validate: checkName })}
                  />
                  <SecretInput
                    what={`the value of variable ${number}`}
                    aria-label={`Value of variable ${number}`}
                    aria-invalid={errors?.value !== undefined}
                    className="mono"
                    autoComplete="new-password"
                    placeholder="Value"
                    {...register(`variables.${index}.value`, {
                      required: 'Enter a value, or take the row out.',
                    })}
                  />
                  <IconButton
                    icon={Trash2}
                    label={`Remove variable ${number}`}
                    onClick={() => remove(index)}
                  />
                  {complaint !== undefined && <FieldError>{complaint}</FieldError>}
                </li>
              )
            })}
          </ul>
        )}
        <div>
          <Button icon={Plus} onClick={() => append({ name: '', value: '' })}>
            Add a variable
          </Button>
        </div>
      </div>
      {isPasting && <PasteEnv onTake={take} onClose={() => setPasting(false)} />}
    </Card>
  )
}
