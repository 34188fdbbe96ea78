import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useForm } from 'react-hook-form'
import { api, type OwnCredentials } from '../../api/client.ts'
import { ownCredentialsQuery } from '../../api/queries.ts'
import { Button } from '../../kit/button.tsx'
import { ErrorNote } from '../../kit/error-note.tsx'
import { ConnectAccount } from './connect-account.tsx'
import { Field, Input, SecretInput, TextArea } from '../../kit/field.tsx'

interface BringFormProps {
  readonly own: OwnCredentials
  readonly onBrought: (own: OwnCredentials) => void
  /** On a page whose own button sends it, by the id of the form; told whether there is anything to send. */
  readonly inside?: { readonly id: string; readonly onFilled: (isFilled: boolean) => void }
}

/** Asks for what a deployment wants each member to bring. What was brought before is never shown; left open, it stays. */
export function BringForm({ own, onBrought, inside }: BringFormProps) {
  const queryClient = useQueryClient()
  const { register, handleSubmit, formState, reset } = useForm<{ values: string[] }>({
    defaultValues: { values: own.credentials.map(() => '') },
  })
  const bring = useMutation({
    mutationFn: ({ values }: { values: string[] }) =>
      api.call('bringOwnCredentials', {
        params: { id: own.deployment.id },
        body: {
          values: Object.fromEntries(
            own.credentials.flatMap(({ name }, index): [string, string][] => {
              const value = values[index] ?? ''
              return value === '' ? [] : [[name, value]]
            }),
          ),
        },
      }),
    onSuccess: (brought) => {
      reset()
      void queryClient.invalidateQueries({ queryKey: ownCredentialsQuery.queryKey })
      onBrought(brought)
    },
  })
  return (
    <form
      {...(inside === undefined ? {} : { id: inside.id })}
      className="stack"
      noValidate
      onChange={({ currentTarget }) =>
        inside?.onFilled([...new FormData(currentTarget).values()].some((value) => value !== ''))
      }
      onSubmit={(event) => void handleSubmit((values) => bring.mutate(values))(event)}
    >
      {own.credentials.map(({ name, description, secret, isFile, provider, version }, index) => {
        if (provider !== null) {
          return (
            <ConnectAccount
              key={name}
              deploymentId={own.deployment.id}
              name={name}
              provider={provider}
              again={version !== null}
            />
          )
        }
        const field = register(`values.${index}`, { required: version === null && 'Enter a value.' })
        const placeholder = version === null ? '' : 'Stays as it is'
        return (
          <Field
            key={name}
            label={<code>{name}</code>}
            mark={version === null ? 'Required' : `Brought, value ${version}`}
            hint={
              isFile
                ? 'Paste the content of the file; the server gets the path of a private copy.'
                : (description ?? undefined)
            }
            error={formState.errors.values?.[index]?.message}
          >
            {(control) =>
              isFile ? (
                <TextArea {...control} rows={3} placeholder={placeholder} {...field} />
              ) : secret ? (
                <SecretInput
                  {...control}
                  what={`your value of ${name}`}
                  className="mono"
                  autoComplete="new-password"
                  placeholder={placeholder}
                  {...field}
                />
              ) : (
                <Input {...control} className="mono" placeholder={placeholder} {...field} />
              )
            }
          </Field>
        )
      })}
      {bring.error && <ErrorNote error={bring.error} />}
      {inside === undefined && own.credentials.some(({ provider }) => provider === null) && (
        <div>
          <Button type="submit" variant="primary" pending={bring.isPending} blocked={!formState.isDirty}>
            {own.complete ? 'Replace' : 'Save'}
          </Button>
        </div>
      )}
    </form>
  )
}
