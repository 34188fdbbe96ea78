import { useQuery } from '@tanstack/react-query'
import { keysQuery } from '../../api/queries.ts'
import { Ago } from '../../kit/ago.tsx'
import { Badge } from '../../kit/badge.tsx'
import { Card } from '../../kit/card.tsx'
import { ErrorNote } from '../../kit/error-note.tsx'
import { plural } from '../../kit/format.ts'
import { Skeleton } from '../../kit/skeleton.tsx'
import '../../kit/table.css'

/** Which master keys there are, and what is under each. They are changed on the command line. */
export function MasterKeys() {
  const { data: keys, error, refetch } = useQuery(keysQuery)
  return (
    <Card className="cut" title="Master keys" foot={<KeysFoot />}>
      {keys === undefined ? (
        <div className="pad stack">
          {error ? <ErrorNote error={error} onRetry={() => void refetch()} /> : <Skeleton width={20} />}
        </div>
      ) : (
        <>
          <table className="table low">
            <thead>
              <tr>
                <th scope="col">Key</th>
                <th scope="col">Use</th>
                <th scope="col">Secrets under it</th>
              </tr>
            </thead>
            <tbody>
              {keys.keys.map(({ id, newest, secrets }) => (
                <tr key={id}>
                  <td className="mono">{id}</td>
                  <td>{newest ? <Badge tone="ok">Encrypts</Badge> : 'Decrypts'}</td>
                  <td>{secrets}</td>
                </tr>
              ))}
            </tbody>
          </table>
          {keys.rotation !== null && (
            <p className="pad dim">
              {keys.rotation.finishedAt === null ? (
                <>
                  Everything is being brought under <code>{keys.rotation.keyId}</code>, since{' '}
                  <Ago at={keys.rotation.startedAt} />.
                </>
              ) : (
                <>
                  Everything was brought under <code>{keys.rotation.keyId}</code>{' '}
                  <Ago at={keys.rotation.finishedAt} />.
                </>
              )}
              {keys.rotation.unreadable.length > 0 &&
                ` ${plural(keys.rotation.unreadable.length, 'value')} could not be opened and stayed as they are.`}
            </p>
          )}
        </>
      )}
    </Card>
  )
}

function KeysFoot() {
  return (
    <p className="xs dim">
      Keys are added, rotated and retired with <code>bin/catwalk keys</code>:{' '}
      <a href="/docs/keys" target="_blank" rel="noreferrer">
        about master keys
      </a>
    </p>
  )
}
