import { useQuery } from '@tanstack/react-query'
import { Plus, Trash2, Undo2 } from 'lucide-react'
import { Controller, useFieldArray, useForm, useWatch, type UseFormReturn } from 'react-hook-form'
import type { AccountProvider, Release } from '../../api/client.ts'
import { accountProvidersQuery } from '../../api/queries.ts'
import { NetworkField } from '../../app/network-field.tsx'
import { checkNetwork } from '../../app/network-policy.ts'
import { RuntimeField } from '../../app/runtime-field.tsx'
import { Button, IconButton } from '../../kit/button.tsx'
import { Dialog } from '../../kit/dialog.tsx'
import { ErrorNote } from '../../kit/error-note.tsx'
import { Checkbox, Field, FieldError, Input, SecretInput, Select, TextArea } from '../../kit/field.tsx'
import { toChange, valuesOf, type ChangeValues } from './change-values.ts'
import { useCurrent } from './current.ts'
import { useRelease } from './release-actions.ts'
import './change-dialog.css'

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/

/** Other values, arguments or settings: what is changed makes the next release. */
export function ChangeDialog({ base, onClose }: { readonly base: Release; readonly onClose: () => void }) {
  const deployment = useCurrent()
  const form = useForm<ChangeValues>({ mode: 'onTouched', defaultValues: valuesOf(base) })
  const { register, control, formState } = form
  const make = useRelease(deployment, onClose)
  const change = toChange(base, useWatch({ control, compute: (values) => values }))
  const submit = form.handleSubmit((values) => {
    const body = toChange(base, values)
    if (body !== null && !make.isPending) make.mutate(body)
  })
  return (
    <Dialog title={`Change ${deployment.name}`} onClose={onClose}>
      <form className="dialog-body" noValidate onSubmit={(event) => void submit(event)}>
        <p className="dim">
          It becomes release v{deployment.release.number + 1}, made from v{base.number}.{' '}
          {deployment.liveRelease === null
            ? 'The endpoint opens once it has answered.'
            : 'What serves goes on until the new one has answered.'}
        </p>
        <Values form={form} />
        <Field label="Arguments" mark="Optional" hint="One a line, passed exactly as written.">
          {(attributes) => <TextArea {...attributes} rows={2} {...register('args')} />}
        </Field>
        <RuntimeField registration={register('runtime')} />
        <div className="change-pair">
          <Controller
            control={control}
            name="network"
            rules={{ validate: checkNetwork }}
            render={({ field: { value, onChange }, fieldState }) => (
              <NetworkField
                value={value}
                onChange={onChange}
                error={fieldState.error?.message}
                suggested={[]}
              />
            )}
          />
          <Field label="Memory limit" error={formState.errors.memoryMiB?.message}>
            {(attributes) => (
              <Input
                {...attributes}
                className="num"
                inputMode="numeric"
                after={<span className="faint">MiB</span>}
                {...register('memoryMiB', {
                  validate: (text) =>
                    (/^\d+$/.test(text.trim()) && Number(text) >= 64 && Number(text) <= 16384) ||
                    'A whole number from 64 to 16384.',
                })}
              />
            )}
          </Field>
        </div>
        {make.error && <ErrorNote error={make.error} />}
        <div className="dialog-actions">
          <Button variant="quiet" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" variant="primary" pending={make.isPending} blocked={change === null}>
            Make the release
          </Button>
        </div>
      </form>
    </Dialog>
  )
}

function Values({ form }: { readonly form: UseFormReturn<ChangeValues> }) {
  const { control, register, formState, setValue, getValues } = form
  const kept = useWatch({ control, name: 'kept' })
  const { data: providers = [] } = useQuery(accountProvidersQuery)
  const { fields, append, remove } = useFieldArray({ control, name: 'added' })
  const checkName = (name: string) => {
    if (!NAME.test(name.trim())) return 'Letters, digits and underscores, not starting with a digit.'
    const all = [...getValues('kept'), ...getValues('added')].filter((row) => row.name === name.trim())
    return all.length < 2 || `${name.trim()} is there already.`
  }
  return (
    <fieldset className="change-values stack">
      <legend className="label">Variables</legend>
      <p className="hint">
        What each member brings is theirs alone, and everybody has a process of their own. A value that you
        give for one of those is yours.
      </p>
      {kept.map(({ name, removed }, index) => (
        <div key={name} className="change-value">
          <code className={removed ? 'removed' : undefined}>{name}</code>
          <SecretInput
            what={`the new value of ${name}`}
            aria-label={`New value of ${name}`}
            className="mono"
            autoComplete="new-password"
            placeholder={removed ? 'Taken away' : 'Stays as it is'}
            disabled={removed}
            {...register(`kept.${index}.value`)}
          />
          <IconButton
            icon={removed ? Undo2 : Trash2}
            label={removed ? `Keep ${name}` : `Take ${name} away`}
            onClick={() => setValue(`kept.${index}.removed`, !removed)}
          />
          <Checkbox
            label="Each member brings their own"
            aria-label={`Each member brings their own ${name}`}
            disabled={removed}
            {...register(`kept.${index}.personal`)}
          />
          {providers.length > 0 && (
            <Select
              aria-label={`Where ${name} comes from`}
              disabled={removed}
              {...register(`kept.${index}.account`)}
            >
              <Sources providers={providers} />
            </Select>
          )}
        </div>
      ))}
      {fields.map((field, index) => {
        const errors = formState.errors.added?.[index]
        const complaint = errors?.name?.message ?? errors?.value?.message
        return (
          <div key={field.id} className="change-value">
            <Input
              aria-label={`Name of new variable ${index + 1}`}
              aria-invalid={errors?.name !== undefined}
              className="mono"
              placeholder="NAME"
              autoCapitalize="off"
              {...register(`added.${index}.name`, { validate: checkName })}
            />
            <SecretInput
              what={`the value of new variable ${index + 1}`}
              aria-label={`Value of new variable ${index + 1}`}
              aria-invalid={errors?.value !== undefined}
              className="mono"
              autoComplete="new-password"
              placeholder="Value"
              {...register(`added.${index}.value`, {
                validate: (value) =>
                  value !== '' ||
                  getValues(`added.${index}.personal`) ||
                  getValues(`added.${index}.account`) !== '' ||
                  'Enter a value, or take the row out.',
              })}
            />
            <IconButton
              icon={Trash2}
              label={`Remove new variable ${index + 1}`}
              onClick={() => remove(index)}
            />
            <Checkbox
              label="Each member brings their own"
              aria-label={`Each member brings their own new variable ${index + 1}`}
              {...register(`added.${index}.personal`)}
            />
            {providers.length > 0 && (
              <Select
                aria-label={`Where new variable ${index + 1} comes from`}
                {...register(`added.${index}.account`)}
              >
                <Sources providers={providers} />
              </Select>
            )}
            {complaint !== undefined && <FieldError>{complaint}</FieldError>}
          </div>
        )
      })}
      <div>
        <Button
          size="sm"
          icon={Plus}
          onClick={() => append({ name: '', value: '', personal: false, account: '' })}
        >
          Add a variable
        </Button>
      </div>
    </fieldset>
  )
}

/** Where a value can come from. */
function Sources({ providers }: { readonly providers: readonly AccountProvider[] }) {
  return (
    <>
      <option value="">A value that is given</option>
      {providers.map(({ id, name }) => (
        <option key={id} value={id}>
          An account at {name}
        </option>
      ))}
    </>
  )
}
