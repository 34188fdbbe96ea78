import { ClipboardPaste, Plus } from 'lucide-react'
import { useState } from 'react'
import { useFieldArray, type UseFormReturn } from 'react-hook-form'
import type { Analysis } from '../../api/client.ts'
import { Button } from '../../kit/button.tsx'
import { Card } from '../../kit/card.tsx'
import { Field, Input } from '../../kit/field.tsx'
import { plural } from '../../kit/format.ts'
import { PasteEnv } from './paste-env.tsx'
import type { EnvFile } from './env-file.ts'
import { isAside, type ReviewValues } from './values.ts'
import { VariableRow } from './variable-row.tsx'

interface VariablesProps {
  readonly form: UseFormReturn<ReviewValues>
  readonly analysis: Analysis
  /** Variables that what was pasted has values for. */
  readonly pasted: ReadonlySet<string>
}

/** Names and values of the environment: what must be given, and closed below it what may be. */
export function Variables({ form, analysis, pasted }: VariablesProps) {
  const { control, register, formState, getValues } = form
  const { fields, append, remove, replace } = useFieldArray({ control, name: 'variables' })
  const [isPasting, setPasting] = useState(false)
  const [isOpen, setOpen] = useState(false)

  const take = (taken: EnvFile['variables']) => {
    const merged = new Map(
      getValues('variables')
        .filter(({ name, value }) => name.trim() !== '' || value !== '')
        .map((row) => [row.name.trim(), row]),
    )
    for (const { name, value } of taken) {
      merged.set(name, {
        name,
        value,
        isKnown: merged.get(name)?.isKnown ?? false,
        isPersonal: merged.get(name)?.isPersonal ?? false,
      })
    }
    replace([...merged.values()])
    // What was filled in is to be seen.
    if (taken.some(({ name }) => isAside(analysis, name))) setOpen(true)
  }

  const rows = fields.map((field, index) => {
    const known = field.isKnown ? analysis.env.find(({ name }) => name === field.name) : undefined
    return {
      isAside: known !== undefined && isAside(analysis, known.name),
      row: (
        <VariableRow
          key={field.id}
          form={form}
          index={index}
          known={known}
          isPasted={known !== undefined && pasted.has(known.name)}
          onRemove={() => remove(index)}
        />
      ),
    }
  })
  const shown = rows.filter((one) => !one.isAside)
  const aside = rows.filter((one) => one.isAside)

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
        {shown.length > 0 && <ul className="stack variables">{shown.map(({ row }) => row)}</ul>}
        {analysis.requiredOneOf.map((group) => (
          <p key={group.flat().join()} className="hint">
            Give {group.map((names) => (names.length === 0 ? 'nothing' : names.join(' and '))).join(', or ')}.
          </p>
        ))}
        {analysis.arguments.map((argument, index) => (
          <Field
            key={argument.name}
            label={<code>{argument.name}</code>}
            mark={argument.required ? 'Required' : 'Optional'}
            hint={argument.description ?? 'An argument that it is started with.'}
            error={formState.errors.named?.[index]?.message}
          >
            {(field) => (
              <Input
                {...field}
                className="mono"
                placeholder={argument.example ?? ''}
                {...register(`named.${index}`, {
                  validate: (value) =>
                    value !== '' || !argument.required || getValues('isWithout') || 'Enter a value.',
                })}
              />
            )}
          </Field>
        ))}
        {aside.length > 0 && (
          <details
            className="variables-aside"
            open={isOpen}
            onToggle={({ currentTarget }) => setOpen(currentTarget.open)}
          >
            <summary>{plural(aside.length, 'optional setting')}</summary>
            <ul className="stack variables">{aside.map(({ row }) => row)}</ul>
          </details>
        )}
        <div>
          <Button
            icon={Plus}
            onClick={() => append({ name: '', value: '', isKnown: false, isPersonal: false })}
          >
            Add a variable
          </Button>
        </div>
      </div>
      {isPasting && <PasteEnv onTake={take} onClose={() => setPasting(false)} />}
    </Card>
  )
}
