import { useQuery } from '@tanstack/react-query'
import { Plus } from 'lucide-react'
import { useState } from 'react'
import type { EndpointToken } from '../../api/client.ts'
import { settingsQuery, tokensQuery } from '../../api/queries.ts'
import { Ago } from '../../kit/ago.tsx'
import { Button } from '../../kit/button.tsx'
import { Card } from '../../kit/card.tsx'
import { Empty } from '../../kit/empty.tsx'
import { formatDay } from '../../kit/format.ts'
import { useNow } from '../../kit/now.ts'
import { AccountsCard } from './accounts.tsx'
import { AccessModeCard } from './access-mode.tsx'
import { SignIns } from './sign-ins.tsx'
import { AddToken } from './add-token.tsx'
import { ChangeToken } from './change-token.tsx'
import { useCurrent } from './current.ts'
import { Badge } from '../../kit/badge.tsx'
import { Unloaded } from '../../kit/unloaded.tsx'
import type { Personal } from './personal-note.tsx'
import { RotateToken } from './rotate-token.tsx'
import { RevokeToken } from './revoke-token.tsx'
import '../../kit/table.css'

/** Who may call the endpoint. */
export function Access() {
  const { id, release } = useCurrent()
  const { data: settings } = useQuery(settingsQuery(id))
  return (
    <div className="tab stack wide">
      <AccessModeCard />
      {settings !== undefined && settings.access !== 'token' && settings.access !== 'public' && (
        <SignIns id={id} />
      )}
      <AccountsCard />
      <Tokens id={id} personal={release.variables.some(({ personal }) => personal)} />
    </div>
  )
}

interface TokensProps {
  readonly id: string
  /** Whether calls are made with the credentials of whoever made the token. */
  readonly personal: Personal
}

/** The tokens of a deployment or a collection. */
export function Tokens({ id, personal }: TokensProps) {
  const { data: tokens, error, refetch } = useQuery(tokensQuery(id))
  const [isAdding, setAdding] = useState(false)
  const [changing, setChanging] = useState<EndpointToken | null>(null)
  const [rotating, setRotating] = useState<EndpointToken | null>(null)
  const [revoking, setRevoking] = useState<EndpointToken | null>(null)
  const add = (
    <Button variant="primary" icon={Plus} onClick={() => setAdding(true)}>
      Add a token
    </Button>
  )
  return (
    <>
      <Card className="cut" title="Endpoint tokens" actions={tokens && tokens.length > 0 && add}>
        {tokens === undefined ? (
          <Unloaded label="Loading tokens" error={error} onRetry={() => void refetch()} padded />
        ) : tokens.length === 0 ? (
          <Empty title="Nobody can call it" action={add}>
            A client needs a token. Make one for each, so that one can be revoked without the others.
          </Empty>
        ) : (
          <TokenTable tokens={tokens} onChange={setChanging} onRotate={setRotating} onRevoke={setRevoking} />
        )}
      </Card>
      {isAdding && <AddToken id={id} personal={personal} onClose={() => setAdding(false)} />}
      {changing && <ChangeToken id={id} token={changing} onClose={() => setChanging(null)} />}
      {rotating && (
        <RotateToken id={id} token={rotating} personal={personal} onClose={() => setRotating(null)} />
      )}
      {revoking && <RevokeToken id={id} token={revoking} onClose={() => setRevoking(null)} />}
    </>
  )
}

interface TokenTableProps {
  readonly tokens: readonly EndpointToken[]
  readonly onChange: (token: EndpointToken) => void
  readonly onRotate: (token: EndpointToken) => void
  readonly onRevoke: (token: EndpointToken) => void
}

function TokenTable({ tokens, onChange, onRotate, onRevoke }: TokenTableProps) {
  const now = useNow(null)
  return (
    <table className="table low">
      <thead>
        <tr>
          <th scope="col">Name</th>
          <th scope="col" className="no-s">
            Begins with
          </th>
          <th scope="col" className="no-s">
            Made
          </th>
          <th scope="col" className="no-s">
            Last used
          </th>
          <th scope="col" className="no-s">
            Expires
          </th>
          <th scope="col">
            <span className="sr">Actions</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {tokens.map((token) => (
          <tr key={token.id}>
            <td className="name">
              {token.name} {token.scope === 'read' && <Badge>Reads only</Badge>}
              {token.replacedBy !== null && <Badge>Replaced</Badge>}
              {atMost(token).map((limit) => (
                <Badge key={limit}>{limit}</Badge>
              ))}
            </td>
            <td className="no-s mono dim">{token.prefix}…</td>
            <td className="no-s dim">
              <Ago at={token.createdAt} />
            </td>
            <td className="no-s dim">
              {token.lastUsedAt === null ? (
                <span className="faint">Never</span>
              ) : (
                <Ago at={token.lastUsedAt} />
              )}
            </td>
            <td className="no-s dim">
              {token.expiresAt === null ? (
                <span className="faint">Never</span>
              ) : (
                formatDay(Date.parse(token.expiresAt), now)
              )}
            </td>
            <td className="n">
              {token.replacedBy === null && (
                <Button
                  size="sm"
                  variant="quiet"
                  aria-label={`Limits of ${token.name}`}
                  onClick={() => onChange(token)}
                >
                  Limits
                </Button>
              )}
              {token.replacedBy === null && (
                <Button
                  size="sm"
                  variant="quiet"
                  aria-label={`Replace ${token.name}`}
                  onClick={() => onRotate(token)}
                >
                  Replace
                </Button>
              )}
              <Button
                size="sm"
                variant="quiet"
                aria-label={`Revoke ${token.name}`}
                onClick={() => onRevoke(token)}
              >
                Revoke
              </Button>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function atMost({ callsPerMinute, concurrentCalls }: EndpointToken): readonly string[] {
  return [
    ...(callsPerMinute === null ? [] : [`${callsPerMinute.toLocaleString('en')} a minute`]),
    ...(concurrentCalls === null ? [] : [`${concurrentCalls.toLocaleString('en')} at once`]),
  ]
}
