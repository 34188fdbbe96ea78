import { ClipboardPaste, Plus, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { useFieldArray, type UseFormReturn } from 'react-hook-form'
import type { Analysis } from '../../api/client.ts'
import { Button, IconButton } from '../../kit/button.tsx'
import { Card } from '../../kit/card.tsx'
import { Field, FieldError, Input, SecretInput } from '../../kit/field.tsx'
import { webLink } from '../../kit/web-link.ts'
import { PasteEnv } from './paste-env.tsx'
import type { EnvFile } from './env-file.ts'
import type { ReviewValues } from './values.ts'

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/

interface VariablesProps {
  readonly form: UseFormReturn<ReviewValues>
  readonly analysis: Analysis
}

/** Names and values of the environment. Values are hidden as they are typed: most are secrets. */
export function Variables({ form, analysis }: VariablesProps) {
  const { control, register, formState, getValues } = form
  const { fields, append, remove, replace } = useFieldArray({ control, name: 'variables' })
  const [isPasting, setPasting] = useState(false)

  const take = (pasted: EnvFile['variables']) => {
    const merged = new Map(
      getValues('variables')
        .filter(({ name, value }) => name.trim() !== '' || value !== '')
        .map((row) => [row.name.trim(), row]),
    )
    for (const { name, value } of pasted) {
      merged.set(name, { name, value, isKnown: merged.get(name)?.isKnown ?? false })
    }
    replace([...merged.values()])
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
              const known = field.isKnown ? analysis.env.find(({ name }) => name === field.name) : undefined
              const what = known === undefined ? `variable ${number}` : known.name
              const value = register(`variables.${index}.value`, {
                required: isRequired(known) && 'Enter a value, or take the row out.',
              })
              const attributes = {
                'aria-label': `Value of ${what}`,
                'aria-invalid': errors?.value !== undefined,
                className: 'mono',
                placeholder: known?.default ?? 'Value',
                ...value,
              }
              return (
                <li key={field.id} className="variable">
                  {known === undefined ? (
                    <Input
                      aria-label={`Name of variable ${number}`}
                      aria-invalid={errors?.name !== undefined}
                      className="mono"
                      placeholder="NAME"
                      autoCapitalize="off"
                      {...register(`variables.${index}.name`, { validate: checkName })}
                    />
                  ) : (
                    <span className="variable-name">
                      <code>{known.name}</code>{' '}
                      <span className="req">{known.required ? 'Required' : 'Optional'}</span>
                    </span>
                  )}
                  {known?.secret === false ? (
                    <Input {...attributes} />
                  ) : (
                    <SecretInput {...attributes} what={`the value of ${what}`} autoComplete="new-password" />
                  )}
                  <IconButton icon={Trash2} label={`Remove ${what}`} onClick={() => remove(index)} />
                  {known !== undefined && <About variable={known} />}
                  {complaint !== undefined && <FieldError>{complaint}</FieldError>}
                </li>
              )
            })}
          </ul>
        )}
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
                {...register(`named.${index}`, { required: argument.required && 'Enter a value.' })}
              />
            )}
          </Field>
        ))}
        <div>
          <Button icon={Plus} onClick={() => append({ name: '', value: '', isKnown: false })}>
            Add a variable
          </Button>
        </div>
      </div>
      {isPasting && <PasteEnv onTake={take} onClose={() => setPasting(false)} />}
    </Card>
  )
}

/** One that has a default may be left open. */
function isRequired(known: Analysis['env'][number] | undefined): boolean {
  return known === undefined || (known.required && known.default === null)
}

/** What it is for, where to find it, and how that is known. */
function About({ variable }: { readonly variable: Analysis['env'][number] }) {
  const { description, helpUrl, choices, evidence, confidence } = variable
  const link = helpUrl === null ? null : webLink(helpUrl)
  return (
    <div className="hint variable-about">
      {description !== null && <p>{description}</p>}
      {choices.length > 0 && <p>One of: {choices.join(', ')}.</p>}
      {link !== null && (
        <p>
          <a href={link.href} target="_blank" rel="noreferrer">
            Where do I find this?
          </a>
        </p>
      )}
      {evidence.length > 0 && (
        <details>
          <summary>How this is known</summary>
          <ul>
            {evidence.slice(0, 5).map(({ file, line, reader }) => (
              <li key={`${file}:${line} ${reader}`} className="mono">
                {file}:{line} ({reader})
              </li>
            ))}
            <li>Confidence {Math.round(confidence * 100)} %</li>
          </ul>
        </details>
      )}
    </div>
  )
}
