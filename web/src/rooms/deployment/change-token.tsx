import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState, type FormEvent } from 'react'
import { api, type EndpointToken } from '../../api/client.ts'
import { tokensQuery } from '../../api/queries.ts'
import { tell } from '../../app/toasts.ts'
import { Button } from '../../kit/button.tsx'
import { Dialog } from '../../kit/dialog.tsx'
import { ErrorNote } from '../../kit/error-note.tsx'
import { limitsOf, TokenLimits, type LimitTexts } from './token-limits.tsx'

interface ChangeTokenProps {
  readonly id: string
  readonly token: EndpointToken
  readonly onClose: () => void
}

export function ChangeToken({ id, token, onClose }: ChangeTokenProps) {
  const queryClient = useQueryClient()
  const [texts, setTexts] = useState<LimitTexts>({
    callsPerMinute: String(token.callsPerMinute ?? ''),
    concurrentCalls: String(token.concurrentCalls ?? ''),
  })
  const limits = limitsOf(texts)
  const change = useMutation({
    mutationFn: (body: NonNullable<typeof limits>) =>
      api.call('changeToken', { params: { id, tokenId: token.id }, body }),
    onSuccess: async () => {
      tell({ tone: 'running', text: `Limits of ${token.name} changed` })
      onClose()
      await queryClient.invalidateQueries({ queryKey: tokensQuery(id).queryKey })
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (limits !== null && !change.isPending) change.mutate(limits)
  }
  return (
    <Dialog title={`Limits of ${token.name}`} onClose={onClose}>
      <form className="dialog-body" noValidate onSubmit={submit}>
        <p>Whoever calls more often is told how long to wait. Each replica counts for itself.</p>
        <TokenLimits texts={texts} onChange={setTexts} />
        {change.error && <ErrorNote error={change.error} />}
        <div className="dialog-actions">
          <Button variant="quiet" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" variant="primary" blocked={limits === null} pending={change.isPending}>
            Save
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
