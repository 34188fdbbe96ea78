import type { Deployment } from '../../api/client.ts'
import { Confirm } from '../../kit/confirm.tsx'
import { useDelete } from './actions.ts'

export function DeleteDialog({ deployment, onClose }: { deployment: Deployment; onClose: () => void }) {
  const remove = useDelete(deployment, onClose)
  return (
    <Confirm
      title={`Delete ${deployment.name}`}
      action="Delete for good"
      typed={deployment.slug}
      pending={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate()}
      onClose={onClose}
    >
      <p>
        Its endpoint closes, its tokens stop working, and its credentials, releases and logs are deleted. This
        cannot be undone.
      </p>
    </Confirm>
  )
}
