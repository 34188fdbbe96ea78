import { useMutation, useQueryClient } from '@tanstack/react-query'
import { api, type EndpointToken } from '../../api/client.ts'
import { tokensQuery } from '../../api/queries.ts'
import { forgetFreshToken } from '../../app/fresh-tokens.ts'
import { tell } from '../../app/toasts.ts'
import { Confirm } from '../../kit/confirm.tsx'

interface RevokeTokenProps {
  readonly id: string
  readonly token: EndpointToken
  readonly onClose: () => void
}

export function RevokeToken({ id, token, onClose }: RevokeTokenProps) {
  const queryClient = useQueryClient()
  const revoke = useMutation({
    mutationFn: () => api.call('revokeToken', { params: { id, tokenId: token.id } }),
    onSuccess: async () => {
      // It may be the one whose lines are still on the Overview.
      forgetFreshToken(id)
      tell({ tone: 'stopped', text: `${token.name} is revoked` })
      onClose()
      await queryClient.invalidateQueries({ queryKey: tokensQuery(id).queryKey })
    },
  })
  return (
    <Confirm
      title={`Revoke ${token.name}`}
      action="Revoke"
      pending={revoke.isPending}
      error={revoke.error}
      onConfirm={() => revoke.mutate()}
      onClose={onClose}
    >
      <p>Whoever uses it is refused from the next call on. The other tokens go on working.</p>
    </Confirm>
  )
}
