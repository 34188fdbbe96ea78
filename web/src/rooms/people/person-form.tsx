import { useForm } from 'react-hook-form'
import { accountSchemas } from '../../api/client.ts'
import { Button } from '../../kit/button.tsx'
import { ErrorNote } from '../../kit/error-note.tsx'
import { Field, Input, SecretInput } from '../../kit/field.tsx'
import { fits } from '../../kit/form.ts'

export interface Person {
  name: string
  email: string
  password: string
}

interface PersonFormProps {
  readonly action: string
  /** Where the address is given. */
  readonly email: string | null
  readonly pending: boolean
  readonly error: unknown
  readonly onSubmit: (person: Person) => void
}

const { name, email, password } = accountSchemas.SignUp.shape

/** Who somebody is, for a new account. */
export function PersonForm({ action, email: given, pending, error, onSubmit }: PersonFormProps) {
  const { register, handleSubmit, formState } = useForm<Person>({
    mode: 'onTouched',
    defaultValues: { email: given ?? '' },
  })
  const { errors } = formState
  return (
    <form className="stack" noValidate onSubmit={(event) => void handleSubmit(onSubmit)(event)}>
      <Field label="Name" error={errors.name?.message}>
        {(control) => (
          <Input
            {...control}
            autoComplete="name"
            {...register('name', { validate: fits(name, 'Enter your name, 80 characters at most.') })}
          />
        )}
      </Field>
      <Field label="Email" error={errors.email?.message}>
        {(control) => (
          <Input
            {...control}
            type="email"
            autoComplete="username"
            readOnly={given !== null}
            {...register('email', {
              validate: fits(email, 'Enter an email address, such as ana@example.com.'),
            })}
          />
        )}
      </Field>
      <Field label="Password" hint="10 characters at least." error={errors.password?.message}>
        {(control) => (
          <SecretInput
            {...control}
            what="the password"
            autoComplete="new-password"
            {...register('password', { validate: fits(password, 'Use 10 to 128 characters.') })}
          />
        )}
      </Field>
      {error !== null && error !== undefined && <ErrorNote error={error} />}
      <Button type="submit" variant="primary" size="lg" className="full" pending={pending}>
        {action}
      </Button>
    </form>
  )
}
