import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState, type FormEvent } from 'react'
import { api } from '../../api/client.ts'
import { collectionQuery, collectionsQuery, deploymentsQuery } from '../../api/queries.ts'
import { keepFreshToken } from '../../app/fresh-tokens.ts'
import { Button } from '../../kit/button.tsx'
import { Dialog } from '../../kit/dialog.tsx'
import { ErrorNote } from '../../kit/error-note.tsx'
import { Checkbox, Field, Input } from '../../kit/field.tsx'
import './collections.css'

/** Makes a collection of the deployments that are chosen. */
export function NewCollection({ onClose }: { readonly onClose: () => void }) {
  const navigate = useNavigate()
  const queryClient = useQueryClient()
  const { data: deployments = [] } = useQuery(deploymentsQuery)
  const [name, setName] = useState('')
  const [chosen, setChosen] = useState<readonly string[]>([])
  const make = useMutation({
    mutationFn: () =>
      api.call('createCollection', {
        body: { name, members: chosen.map((deployment) => ({ deployment })) },
      }),
    onSuccess: async ({ collection, token }) => {
      keepFreshToken(collection.id, token.secret)
      queryClient.setQueryData(collectionQuery(collection.slug).queryKey, collection)
      void queryClient.invalidateQueries({ queryKey: collectionsQuery.queryKey })
      await navigate({ to: '/collections/$slug', params: { slug: collection.slug } })
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!make.isPending) make.mutate()
  }
  return (
    <Dialog title="New collection" onClose={onClose}>
      <form className="dialog-body" onSubmit={submit}>
        <Field label="Name" mark="Required" hint="Its address is made from it.">
          {(control) => (
            <Input
              {...control}
              required
              maxLength={80}
              value={name}
              onChange={({ target }) => setName(target.value)}
            />
          )}
        </Field>
        <fieldset className="choices">
          <legend className="label">Deployments</legend>
          {deployments.length === 0 && <p className="dim">Nothing is deployed yet.</p>}
          {deployments.map((deployment) => (
            <Checkbox
              key={deployment.id}
              label={deployment.name}
              checked={chosen.includes(deployment.id)}
              onChange={({ target }) =>
                setChosen(
                  target.checked
                    ? [...chosen, deployment.id]
                    : chosen.filter((other) => other !== deployment.id),
                )
              }
            />
          ))}
        </fieldset>
        {make.error && <ErrorNote error={make.error} />}
        <div className="dialog-actions">
          <Button variant="quiet" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" variant="primary" pending={make.isPending}>
            Make it
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
