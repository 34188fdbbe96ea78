import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { Check, ChevronsUpDown, Plus, Users } from 'lucide-react'
import { useState } from 'react'
import { useForm } from 'react-hook-form'
import { accountSchemas, api, type Me } from '../api/client.ts'
import { workspacesQuery } from '../api/queries.ts'
import { chooseWorkspace } from '../api/workspace.ts'
import { Button } from '../kit/button.tsx'
import { Dialog } from '../kit/dialog.tsx'
import { ErrorNote } from '../kit/error-note.tsx'
import { Field, Input } from '../kit/field.tsx'
import { fits } from '../kit/form.ts'
import { plural } from '../kit/format.ts'
import { Menu, MenuItem, MenuLabel } from '../kit/menu.tsx'
import { initials } from './initials.ts'

/** The workspace that one is in, and the way to another. */
export function WorkspaceMenu({ me }: { readonly me: Me }) {
  const { data: workspaces } = useQuery(workspacesQuery)
  const [isMaking, setMaking] = useState(false)
  const enter = useEnterWorkspace()
  const members = workspaces?.find(({ id }) => id === me.workspace.id)?.members
  return (
    <>
      <Menu
        side="bottom"
        align="start"
        trigger={
          <button type="button" className="workspace" title={me.workspace.name}>
            <span className="tile">{initials(me.workspace.name)}</span>
            <span className="clip">
              <b className="clip">{me.workspace.name}</b>
              <small>{members === undefined ? 'Workspace' : plural(members, 'member')}</small>
              <span className="sr">Switch the workspace</span>
            </span>
            <ChevronsUpDown className="push s" />
          </button>
        }
      >
        <MenuLabel>Workspaces</MenuLabel>
        {workspaces?.map(({ id, name }) => (
          <MenuItem key={id} icon={id === me.workspace.id ? Check : Users} onSelect={() => void enter(id)}>
            {name}
          </MenuItem>
        ))}
        <MenuItem icon={Plus} onSelect={() => setMaking(true)}>
          New workspace
        </MenuItem>
      </Menu>
      {isMaking && <NewWorkspace onClose={() => setMaking(false)} />}
    </>
  )
}

/** Goes to another workspace, where nothing of the one before is shown. */
export function useEnterWorkspace(): (id: string | undefined) => Promise<void> {
  const queryClient = useQueryClient()
  const navigate = useNavigate()
  return async (id) => {
    chooseWorkspace(id)
    await navigate({ to: '/deployments' })
    queryClient.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== 'me' })
    await queryClient.invalidateQueries()
  }
}

function NewWorkspace({ onClose }: { readonly onClose: () => void }) {
  const enter = useEnterWorkspace()
  const { register, handleSubmit, formState } = useForm<{ name: string }>()
  const make = useMutation({
    mutationFn: ({ name }: { name: string }) => api.call('createWorkspace', { body: { name } }),
    onSuccess: async ({ id }) => {
      onClose()
      await enter(id)
    },
  })
  return (
    <Dialog title="New workspace" onClose={onClose}>
      <form
        className="dialog-body"
        noValidate
        onSubmit={(event) => void handleSubmit((values) => make.mutate(values))(event)}
      >
        <Field label="Name" hint="You own it, and can invite others." error={formState.errors.name?.message}>
          {(control) => (
            <Input
              {...control}
              {...register('name', {
                validate: fits(
                  accountSchemas.NameWorkspace.shape.name,
                  'Enter a name, 80 characters at most.',
                ),
              })}
            />
          )}
        </Field>
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
