import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState, type FormEvent } from 'react'
import { api, type EndpointToken } from '../../api/client.ts'
import { tokensQuery } from '../../api/queries.ts'
import { Button } from '../../kit/button.tsx'
import { Dialog } from '../../kit/dialog.tsx'
import { ErrorNote } from '../../kit/error-note.tsx'
import { Segmented } from '../../kit/segmented.tsx'
import { NewToken } from './new-token.tsx'
import { PersonalNote, type Personal } from './personal-note.tsx'

type Hours = '0' | '24' | '168'

const GRACES = [
  { value: '24', label: 'A day' },
  { value: '168', label: 'A week' },
  { value: '0', label: 'Not at all' },
] as const satisfies readonly { value: Hours; label: string }[]

interface RotateTokenProps {
  readonly id: string
  readonly token: EndpointToken
  readonly personal: Personal
  readonly onClose: () => void
}

export function RotateToken({ id, token, personal, onClose }: RotateTokenProps) {
  const queryClient = useQueryClient()
  const [hours, setHours] = useState<Hours>('24')
  const rotate = useMutation({
    mutationFn: () =>
      api.call('rotateToken', { params: { id, tokenId: token.id }, body: { graceHours: Number(hours) } }),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: tokensQuery(id).queryKey }),
  })
  if (rotate.data) {
    return (
      <Dialog title={`Token “${rotate.data.name}”`} onClose={onClose}>
        <NewToken secret={rotate.data.secret} onSaved={onClose} />
      </Dialog>
    )
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!rotate.isPending) rotate.mutate()
  }
  return (
    <Dialog title={`Replace ${token.name}`} onClose={onClose}>
      <form className="dialog-body" onSubmit={submit}>
        <p>You get a new token of the same name. Give it to everybody who uses the old one.</p>
        <div className="field">
          <span className="label">The old one works on for</span>
          <div>
            <Segmented label="The old one works on for" value={hours} options={GRACES} onChange={setHours} />
          </div>
        </div>
        <PersonalNote personal={personal} />
        {rotate.error && <ErrorNote error={rotate.error} />}
        <div className="dialog-actions">
          <Button variant="quiet" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" variant="primary" pending={rotate.isPending}>
            Replace it
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
