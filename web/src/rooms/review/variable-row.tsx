import { Trash2 } from 'lucide-react'
import type { UseFormReturn } from 'react-hook-form'
import type { Analysis } from '../../api/client.ts'
import { IconButton } from '../../kit/button.tsx'
import { Checkbox, FieldError, Input, SecretInput, Select, TextArea } from '../../kit/field.tsx'
import { webLink } from '../../kit/web-link.ts'
import type { ReviewValues } from './values.ts'

type Variable = Analysis['env'][number]

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/

interface VariableRowProps {
  readonly form: UseFormReturn<ReviewValues>
  readonly index: number
  /** Undefined for one that the reader adds. */
  readonly known: Variable | undefined
  /** What was pasted has a value for it. */
  readonly isPasted: boolean
  readonly onRemove: () => void
}

/** Name and value of one variable. A value is hidden as it is typed, unless it is known to be no secret. */
export function VariableRow({ form, index, known, isPasted, onRemove }: VariableRowProps) {
  const { register, formState, getValues } = form
  const errors = formState.errors.variables?.[index]
  const complaint = errors?.name?.message ?? errors?.value?.message
  const number = index + 1
  const what = known === undefined ? `variable ${number}` : known.name
  const checkName = (name: string) => {
    if (!NAME.test(name.trim())) return 'Letters, digits and underscores, not starting with a digit.'
    const same = getValues('variables').filter((row) => row.name.trim() === name.trim())
    return same.length < 2 || `${name.trim()} is there twice.`
  }
  return (
    <li className="variable">
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
          <span className="req">{isPasted ? 'Pasted' : known.required ? 'Required' : 'Optional'}</span>
        </span>
      )}
      <Value
        known={known}
        what={what}
        attributes={{
          'aria-label': `Value of ${what}`,
          'aria-invalid': errors?.value !== undefined,
          className: 'mono',
          placeholder: isPasted ? 'As pasted' : (known?.default ?? 'Value'),
          ...register(`variables.${index}.value`, {
            validate: (value) =>
              value !== '' ||
              isPasted ||
              !isRequired(known) ||
              getValues(`variables.${index}.isPersonal`) ||
              getValues('isWithout') ||
              (known === undefined
                ? 'Enter a value, or take the row out.'
                : 'Enter a value, or let each member bring their own.'),
          }),
        }}
      />
      <IconButton icon={Trash2} label={`Remove ${what}`} onClick={onRemove} />
      {known !== undefined && <About variable={known} />}
      {known?.secret !== false && (
        <Checkbox
          label="Each member brings their own"
          aria-label={`Each member brings their own ${what}`}
          {...register(`variables.${index}.isPersonal`)}
        />
      )}
      {complaint !== undefined && <FieldError>{complaint}</FieldError>}
    </li>
  )
}

interface ValueProps {
  readonly known: Variable | undefined
  readonly what: string
  readonly attributes: ReturnType<UseFormReturn<ReviewValues>['register']> & {
    readonly 'aria-label': string
    readonly 'aria-invalid': boolean
    readonly className: string
    readonly placeholder: string
  }
}

function Value({ known, what, attributes }: ValueProps) {
  const choices = choicesOf(known)
  if (choices.length > 0) {
    return (
      <Select {...attributes}>
        <option value="">{attributes.placeholder === 'Value' ? 'Choose' : attributes.placeholder}</option>
        {choices.map((choice) => (
          <option key={choice}>{choice}</option>
        ))}
      </Select>
    )
  }
  if (known?.format === 'file' || known?.format === 'json') return <TextArea {...attributes} rows={3} />
  if (known?.secret === false) return <Input {...attributes} />
  return <SecretInput {...attributes} what={`the value of ${what}`} autoComplete="new-password" />
}

function choicesOf(known: Variable | undefined): readonly string[] {
  if (known === undefined || known.secret) return []
  return known.choices.length === 0 && known.format === 'boolean' ? ['true', 'false'] : known.choices
}

/** One that has a default may be left open. */
function isRequired(known: Variable | undefined): boolean {
  return known === undefined || (known.required && known.default === null)
}
/** What it is for, where to find it, and how that is known. */
function About({ variable }: { readonly variable: Variable }) {
  const { description, helpUrl, format, evidence, confidence } = variable
  const link = helpUrl === null ? null : webLink(helpUrl)
  return (
    <div className="hint variable-about">
      {description !== null && <p>{description}</p>}
      {format === 'file' && <p>Paste the content of the file; the server gets the path of a private copy.</p>}
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
