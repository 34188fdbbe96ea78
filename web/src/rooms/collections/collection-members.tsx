import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Plus } from 'lucide-react'
import { useState, type FormEvent } from 'react'
import { api, type Collection } from '../../api/client.ts'
import { collectionQuery, deploymentsQuery } from '../../api/queries.ts'
import { tellFailure } from '../../app/toasts.ts'
import { Button } from '../../kit/button.tsx'
import { Card } from '../../kit/card.tsx'
import { Dialog } from '../../kit/dialog.tsx'
import { Empty } from '../../kit/empty.tsx'
import { ErrorNote } from '../../kit/error-note.tsx'
import { Field, Input, Select } from '../../kit/field.tsx'
import '../../kit/table.css'

type Member = Collection['members'][number]

/** What is in a collection, and under which prefix. */
export function CollectionMembers({ collection }: { readonly collection: Collection }) {
  const { id, slug, members } = collection
  const queryClient = useQueryClient()
  const [editing, setEditing] = useState<Member | 'new' | null>(null)
  const remove = useMutation({
    mutationFn: ({ deploymentId }: Member) =>
      api.call('removeCollectionMember', { params: { id, deploymentId } }),
    onSuccess: (changed) => queryClient.setQueryData(collectionQuery(slug).queryKey, changed),
    onError: tellFailure,
  })
  const add = (
    <Button variant="primary" icon={Plus} onClick={() => setEditing('new')}>
      Add a deployment
    </Button>
  )
  return (
    <Card className="cut" title="What is in it" actions={members.length > 0 && add}>
      {members.length === 0 ? (
        <Empty title="Nothing in it yet" action={add}>
          Add deployments of this workspace. They go on as they are, with addresses of their own.
        </Empty>
      ) : (
        <table className="table">
          <thead>
            <tr>
              <th scope="col">Deployment and prefix</th>
              <th scope="col" className="n no-s">
                Tools
              </th>
              <th scope="col">
                <span className="sr">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {members.map((member) => (
              <tr key={member.deploymentId}>
                <td>
                  <Link className="name" to="/deployments/$slug" params={{ slug: member.slug }}>
                    {member.name}
                  </Link>
                  <div className="sub clip mono">{member.prefix}_…</div>
                </td>
                <td className="n no-s dim">{member.toolCount ?? '–'}</td>
                <td className="n">
                  <Button
                    size="sm"
                    variant="quiet"
                    aria-label={`Change the prefix of ${member.name}`}
                    onClick={() => setEditing(member)}
                  >
                    Change
                  </Button>
                  <Button
                    size="sm"
                    variant="quiet"
                    aria-label={`Take ${member.name} out`}
                    pending={remove.isPending && remove.variables.deploymentId === member.deploymentId}
                    onClick={() => remove.mutate(member)}
                  >
                    Take out
                  </Button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {editing !== null && (
        <MemberDialog collection={collection} member={editing} onClose={() => setEditing(null)} />
      )}
    </Card>
  )
}

interface MemberDialogProps {
  readonly collection: Collection
  readonly member: Member | 'new'
  readonly onClose: () => void
}

/** Adds a deployment, or gives one another prefix. */
function MemberDialog({ collection: { id, slug, members }, member, onClose }: MemberDialogProps) {
  const queryClient = useQueryClient()
  const { data: deployments = [] } = useQuery(deploymentsQuery)
  const others = deployments.filter(
    (candidate) => !members.some(({ deploymentId }) => deploymentId === candidate.id),
  )
  const [chosen, setChosen] = useState('')
  const [prefix, setPrefix] = useState(member === 'new' ? '' : member.prefix)
  const deployment = member === 'new' ? (chosen === '' ? (others[0]?.id ?? '') : chosen) : member.deploymentId
  const save = useMutation({
    mutationFn: () =>
      api.call('addCollectionMember', {
        params: { id },
        body: { deployment, ...(prefix === '' ? {} : { prefix }) },
      }),
    onSuccess: (changed) => {
      queryClient.setQueryData(collectionQuery(slug).queryKey, changed)
      onClose()
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!save.isPending) save.mutate()
  }
  const nothing = member === 'new' && others.length === 0
  return (
    <Dialog title={member === 'new' ? 'Add a deployment' : `Prefix of ${member.name}`} onClose={onClose}>
      <form className="dialog-body" onSubmit={submit}>
        {nothing && <p className="dim">Every deployment of the workspace is in it.</p>}
        {member === 'new' && others.length > 0 && (
          <Field label="Deployment">
            {(control) => (
              <Select {...control} value={deployment} onChange={({ target }) => setChosen(target.value)}>
                {others.map((other) => (
                  <option key={other.id} value={other.id}>
                    {other.name}
                  </option>
                ))}
              </Select>
            )}
          </Field>
        )}
        <Field
          label="Prefix"
          hint="Stands before the names of its tools and prompts, with an underscore. Letters, digits and hyphens; empty for its slug."
        >
          {(control) => (
            <Input
              {...control}
              className="mono"
              maxLength={32}
              value={prefix}
              onChange={({ target }) => setPrefix(target.value)}
            />
          )}
        </Field>
        {save.error && <ErrorNote error={save.error} />}
        <div className="dialog-actions">
          <Button variant="quiet" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" variant="primary" blocked={nothing} pending={save.isPending}>
            {member === 'new' ? 'Add it' : 'Change it'}
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
