import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api, type Connection } from '../../api/client.ts'
import { connectionsQuery } from '../../api/queries.ts'
import { tell } from '../../app/toasts.ts'
import { Card } from '../../kit/card.tsx'
import { Confirm } from '../../kit/confirm.tsx'
import { ConnectionTable } from '../connections/connection-table.tsx'

/** What people allowed clients at this endpoint. */
export function Connections({ id }: { readonly id: string }) {
  const query = useQuery(connectionsQuery(id))
  const queryClient = useQueryClient()
  const [ending, setEnding] = useState<Connection | null>(null)
  const end = useMutation({
    mutationFn: (connection: Connection) =>
      api.call('revokeConnection', { params: { id, connectionId: connection.id } }),
    onSuccess: async (_, { client, user }) => {
      setEnding(null)
      tell({ tone: 'stopped', text: `${client.name} of ${user.email} is disconnected` })
      await queryClient.invalidateQueries({ queryKey: connectionsQuery(id).queryKey })
    },
  })
  return (
    <Card className="cut" title="Connected clients">
      <ConnectionTable
        query={query}
        shows="user"
        empty="Whoever connects to the endpoint in their client and signs in is listed here."
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
          <p>It is refused from the next call on. {ending.user.email} can connect it again.</p>
        </Confirm>
      )}
    </Card>
  )
}
