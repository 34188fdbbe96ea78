import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api, type Connection } from '../../api/client.ts'
import { ownConnectionsQuery } from '../../api/queries.ts'
import { tell } from '../../app/toasts.ts'
import { Card } from '../../kit/card.tsx'
import { Confirm } from '../../kit/confirm.tsx'
import { ConnectionTable } from '../connections/connection-table.tsx'

/** What one allowed clients, at whichever endpoint. */
export function OwnConnections() {
  const query = useQuery(ownConnectionsQuery)
  const queryClient = useQueryClient()
  const [ending, setEnding] = useState<Connection | null>(null)
  const end = useMutation({
    mutationFn: ({ id }: Connection) => api.call('revokeOwnConnection', { params: { connectionId: id } }),
    onSuccess: async (_, { client }) => {
      setEnding(null)
      tell({ tone: 'stopped', text: `${client.name} is disconnected` })
      await queryClient.invalidateQueries({ queryKey: ownConnectionsQuery.queryKey })
    },
  })
  return (
    <Card className="cut" title="Connected clients">
      <ConnectionTable
        query={query}
        shows="deployment"
        empty="Clients that you sign in to an endpoint with are listed here."
        onRevoke={setEnding}
      />
      {ending && (
        <Confirm
          title={`Disconnect ${ending.client.name}`}
          action="Disconnect"
          pending={end.isPending}
          error={end.error}
          onConfirm={() => end.mutate(ending)}
          onClose={() => setEnding(null)}
        >
          <p>It calls {ending.deployment.name} for you no more, on none of your devices.</p>
        </Confirm>
      )}
    </Card>
  )
}
