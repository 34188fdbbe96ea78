import { Controller, type UseFormReturn } from 'react-hook-form'
import { NetworkField } from '../../app/network-field.tsx'
import { checkNetwork } from '../../app/network-policy.ts'
import { RuntimeField } from '../../app/runtime-field.tsx'
import { Card } from '../../kit/card.tsx'
import { Field, Input, Select, TextArea } from '../../kit/field.tsx'
import type { ReviewValues } from './values.ts'

interface HowItRunsProps {
  readonly form: UseFormReturn<ReviewValues>
  readonly executables: readonly string[]
  /** Hosts that the trial tried to reach. */
  readonly suggested: readonly string[]
}

export function HowItRuns({ form, executables, suggested }: HowItRunsProps) {
  const { control, register, formState } = form
  const { errors } = formState
  return (
    <Card title="How it runs">
      <div className="pad stack wide">
        <Field label="Arguments" mark="Optional" hint="One a line, passed exactly as written.">
          {(attributes) => <TextArea {...attributes} rows={3} {...register('args')} />}
        </Field>
        {executables.length > 1 && (
          <Field label="Executable" hint="The package has several programs.">
            {(attributes) => (
              <Select {...attributes} className="mono" {...register('executable')}>
                <option value="">The obvious one</option>
                {executables.map((name) => (
                  <option key={name}>{name}</option>
                ))}
              </Select>
            )}
          </Field>
        )}
        <RuntimeField registration={register('runtime')} />
        <div className="two">
          <Controller
            control={control}
            name="network"
            rules={{ validate: checkNetwork }}
            render={({ field: { value, onChange }, fieldState }) => (
              <NetworkField
                value={value}
                onChange={onChange}
                error={fieldState.error?.message}
                suggested={suggested}
              />
            )}
          />
          <Field
            label="Memory limit"
            mark="Optional"
            hint="Leave it empty for the usual limit."
            error={errors.memoryMiB?.message}
          >
            {(attributes) => (
              <Input
                {...attributes}
                className="num"
                inputMode="numeric"
                placeholder="Usual"
                after={<span className="faint">MiB</span>}
                {...register('memoryMiB', {
                  validate: (text) =>
                    text.trim() === '' ||
                    (/^\d+$/.test(text.trim()) && Number(text) >= 64 && Number(text) <= 16384) ||
                    'A whole number from 64 to 16384.',
                })}
              />
            )}
          </Field>
        </div>
      </div>
    </Card>
  )
}
