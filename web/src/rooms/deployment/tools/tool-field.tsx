import { ChevronDown } from 'lucide-react'
import { Field, Input, TextArea } from '../../../kit/field.tsx'
import type { FormField } from './schema-form.ts'

interface ToolFieldProps {
  readonly field: FormField
  readonly value: string
  readonly complaint: string | undefined
  readonly onChange: (value: string) => void
}

/** One input of a tool. */
export function ToolField({ field, value, complaint, onChange }: ToolFieldProps) {
  const { kind, label, description, isRequired } = field
  if (kind.kind === 'switch') {
    return (
      <label className="row top switchline">
        <input
          type="checkbox"
          role="switch"
          className="switch"
          checked={value === 'true'}
          aria-checked={value === 'true'}
          onChange={({ target }) => onChange(String(target.checked))}
        />
        <span>
          <span className="strong">{label}</span>
          {description !== undefined && <span className="hint block">{description}</span>}
        </span>
      </label>
    )
  }
  return (
    <Field label={label} {...(isRequired ? { mark: 'Required' } : {})} hint={description} error={complaint}>
      {(control) => {
        switch (kind.kind) {
          case 'choice':
            return (
              <div className="input">
                <select {...control} value={value} onChange={({ target }) => onChange(target.value)}>
                  <option value="">{isRequired ? 'Choose' : 'None'}</option>
                  {kind.choices.map((choice) => (
                    <option key={choice}>{choice}</option>
                  ))}
                </select>
                <ChevronDown />
              </div>
            )
          case 'json':
            return (
              <TextArea
                {...control}
                rows={3}
                placeholder="JSON"
                value={value}
                onChange={({ target }) => onChange(target.value)}
              />
            )
          case 'number':
          case 'text':
            return (
              <Input
                {...control}
                inputMode={kind.kind === 'number' ? 'decimal' : undefined}
                value={value}
                onChange={({ target }) => onChange(target.value)}
              />
            )
        }
      }}
    </Field>
  )
}
