import type { UseQueryResult } from '@tanstack/react-query'
import type { Connection } from '../../api/client.ts'
import { Ago } from '../../kit/ago.tsx'
import { Badge } from '../../kit/badge.tsx'
import { Button } from '../../kit/button.tsx'
import { Empty } from '../../kit/empty.tsx'
import { Unloaded } from '../../kit/unloaded.tsx'
import '../../kit/table.css'

interface ConnectionTableProps {
  readonly query: Pick<UseQueryResult<readonly Connection[]>, 'data' | 'error' | 'refetch'>
  /** What tells one connection of a client from another. */
  readonly shows: 'deployment' | 'user'
  readonly empty: string
  readonly onRevoke: (connection: Connection) => void
}

/** Clients that were allowed something. */
export function ConnectionTable({ query, shows, empty, onRevoke }: ConnectionTableProps) {
  const { data: connections, error, refetch } = query
  if (connections === undefined) {
    return <Unloaded label="Loading connected clients" error={error} onRetry={() => void refetch()} padded />
  }
  if (connections.length === 0) return <Empty title="No client is connected">{empty}</Empty>
  const about = (connection: Connection) =>
    shows === 'deployment' ? connection.deployment.name : connection.user.email
  return (
    <table className="table low">
      <thead>
        <tr>
          <th scope="col">Client</th>
          <th scope="col" className="no-s">
            {shows === 'deployment' ? 'Deployment' : 'Who'}
          </th>
          <th scope="col" className="no-s">
            Connected
          </th>
          <th scope="col" className="no-s">
            Last used
          </th>
          <th scope="col">
            <span className="sr">Actions</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {connections.map((connection) => (
          <tr key={connection.id}>
            <td className="name">
              {connection.client.name} {!connection.callsTools && <Badge>Reads only</Badge>}
              {connection.client.host !== null && <div className="sub">{connection.client.host}</div>}
              <div className="sub only-s">{about(connection)}</div>
            </td>
            <td className="no-s dim">{about(connection)}</td>
            <td className="no-s dim">
              <Ago at={connection.createdAt} />
            </td>
            <td className="no-s dim">
              {connection.lastUsedAt === null ? (
                <span className="faint">Never</span>
              ) : (
                <Ago at={connection.lastUsedAt} />
              )}
            </td>
            <td className="n">
              <Button
                size="sm"
                variant="quiet"
                aria-label={`Disconnect ${connection.client.name} of ${about(connection)}`}
                onClick={() => onRevoke(connection)}
              >
                Disconnect
              </Button>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
