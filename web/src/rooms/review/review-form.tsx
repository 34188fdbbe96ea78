import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useForm, useWatch } from 'react-hook-form'
import { api, schemas, type Analysis } from '../../api/client.ts'
import { deploymentsQuery, installationQuery } from '../../api/queries.ts'
import { explain } from '../../app/explain.ts'
import { keepFreshToken } from '../../app/fresh-tokens.ts'
import { forgetPasted } from '../../app/pasted.ts'
import { Button } from '../../kit/button.tsx'
import { ErrorNote } from '../../kit/error-note.tsx'
import { Field, Input } from '../../kit/field.tsx'
import { fits } from '../../kit/form.ts'
import { Found } from './found.tsx'
import { HowItRuns } from './how-it-runs.tsx'
import {
  blockedBecause,
  initialValues,
  missingValues,
  pastedNames,
  toRequest,
  type ReviewValues,
} from './values.ts'
import { Servers } from './servers.tsx'
import { Variables } from './variables.tsx'
import { Warnings } from './warnings.tsx'

interface ReviewFormProps {
  readonly analysis: Analysis
  /** The snippet or command line that the analysis is of; undefined for any other source. */
  readonly pasted: string | undefined
}

const { name, slug } = schemas.CreateDeployment.shape

export function ReviewForm({ analysis, pasted }: ReviewFormProps) {
  const navigate = useNavigate()
  const queryClient = useQueryClient()
  const installation = useQuery(installationQuery)
  const form = useForm<ReviewValues>({ mode: 'onTouched', defaultValues: initialValues(analysis) })
  const { errors, isSubmitted } = form.formState
  const [scripts, isConfirmed, variables, named] = useWatch({
    control: form.control,
    name: ['scripts', 'isConfirmed', 'variables', 'named'],
  })
  const known = pastedNames(analysis, pasted)
  const missing = missingValues(analysis, { variables, named }, known)
  const deploy = useMutation({
    mutationFn: (values: ReviewValues) =>
      api.call('createDeployment', { body: toRequest(analysis, values, pasted) }),
    onSuccess: async ({ deployment, token }) => {
      keepFreshToken(deployment.id, token.secret)
      forgetPasted(analysis.asked)
      queryClient.setQueryData(['deployment', deployment.slug], deployment)
      void queryClient.invalidateQueries({ queryKey: deploymentsQuery.queryKey })
      // Its suggested endpoint is taken now.
      queryClient.removeQueries({ queryKey: ['analysis'] })
      await navigate({ to: '/deployments/$slug', params: { slug: deployment.slug } })
    },
    onError: (error) => {
      const { field } = explain(error)
      if (field === 'name' || field === 'slug' || field === 'memoryMiB') {
        form.setError(field, { message: 'Not accepted, see below.' }, { shouldFocus: true })
      }
    },
  })
  const runtimeOk = installation.data?.runtimes.some(({ ok }) => ok) ?? true
  const blocked = blockedBecause(analysis, { scripts, isConfirmed }, runtimeOk)
  const submit = form.handleSubmit((values) => {
    if (blocked === null && !deploy.isPending) deploy.mutate(values)
  })
  const submitWithout = async () => {
    form.setValue('isWithout', true)
    await submit()
    form.setValue('isWithout', false)
  }
  return (
    <form className="split" noValidate onSubmit={(event) => void submit(event)}>
      <div className="stack wide">
        <Servers analysis={analysis} />
        <Variables form={form} analysis={analysis} pasted={known} />
        <HowItRuns
          form={form}
          executables={analysis.about?.executables ?? []}
          suggested={analysis.proof?.hosts ?? []}
        />
      </div>
      <aside className="stack wide review-side" aria-label="Deploy">
        <section className="card pad stack">
          <Warnings analysis={analysis} form={form} isDecidable={runtimeOk} />
          <Field label="Name" error={errors.name?.message}>
            {(control) => (
              <Input
                {...control}
                {...form.register('name', { validate: fits(name, 'Enter a name, 80 characters at most.') })}
              />
            )}
          </Field>
          <Field label="Endpoint" error={errors.slug?.message}>
            {(control) => (
              <Input
                {...control}
                before="/mcp/"
                className="mono"
                autoCapitalize="off"
                {...form.register('slug', {
                  validate: fits(slug, 'Lower-case letters, digits and hyphens; 48 at most.'),
                })}
              />
            )}
          </Field>
          {deploy.error && <ErrorNote error={deploy.error} />}
          <Button
            type="submit"
            variant="primary"
            size="lg"
            className="full"
            pending={deploy.isPending}
            blocked={blocked !== null}
            {...(blocked === null ? {} : { 'aria-describedby': 'blocked-because' })}
          >
            Deploy
          </Button>
          {isSubmitted && missing.length > 0 && blocked === null && (
            <>
              <p id="missing-values" className="hint" role="status">
                Missing: {missing.join('; ')}. If you know that the server does without, deploy it all the
                same.
              </p>
              <Button
                className="full"
                aria-describedby="missing-values"
                pending={deploy.isPending}
                onClick={() => void submitWithout()}
              >
                Deploy without them
              </Button>
            </>
          )}
          {blocked !== null && (
            <p id="blocked-because" className="hint centred" role="status">
              {blocked}
            </p>
          )}
        </section>
        <Found analysis={analysis} />
      </aside>
    </form>
  )
}
