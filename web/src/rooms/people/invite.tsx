import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Check, Link2 } from 'lucide-react'
import { useState } from 'react'
import { useForm } from 'react-hook-form'
import { api, type Role } from '../../api/client.ts'
import { invitationsQuery } from '../../api/queries.ts'
import { Button } from '../../kit/button.tsx'
import { CopyButton } from '../../kit/copy-button.tsx'
import { Dialog } from '../../kit/dialog.tsx'
import { ErrorNote } from '../../kit/error-note.tsx'
import { Field, Input } from '../../kit/field.tsx'
import { RoleSelect } from './role-select.tsx'

export function Invite({ role: own, onClose }: { readonly role: Role; readonly onClose: () => void }) {
  const queryClient = useQueryClient()
  const [role, setRole] = useState<Role>('member')
  const { register, handleSubmit } = useForm<{ email: string }>()
  const invite = useMutation({
    mutationFn: ({ email }: { email: string }) =>
      api.call('createInvitation', { body: { role, email: email.trim() === '' ? null : email.trim() } }),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: invitationsQuery.queryKey }),
  })
  if (invite.data) {
    return (
      <Dialog title="The invitation" onClose={onClose}>
        <div className="pad stack">
          <p>Send this link. It works once, within 7 days, and is shown this once.</p>
          <div className="copyfield">
            <Link2 />
            <code className="clip">{invite.data.url}</code>
            <CopyButton text={invite.data.url} what="the link" />
          </div>
          <div>
            <Button icon={Check} onClick={onClose}>
              Done
            </Button>
          </div>
        </div>
      </Dialog>
    )
  }
  return (
    <Dialog title="Invite somebody" onClose={onClose}>
      <form
        className="dialog-body"
        noValidate
        onSubmit={(event) => void handleSubmit((values) => invite.mutate(values))(event)}
      >
        <Field
          label="Email"
          mark="Optional"
          hint="Then the link works for this address only. No mail is sent; you pass the link on."
        >
          {(control) => <Input {...control} type="email" {...register('email')} />}
        </Field>
        <Field label="Role">
          {({ id }) => <RoleSelect id={id} value={role} upTo={own} onChange={setRole} />}
        </Field>
        {invite.error && <ErrorNote error={invite.error} />}
        <div className="dialog-actions">
          <Button variant="quiet" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" variant="primary" pending={invite.isPending}>
            Make the link
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
