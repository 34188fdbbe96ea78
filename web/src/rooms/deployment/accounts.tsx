import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Unplug } from 'lucide-react'
import { useState } from 'react'
import { api, type Account, type Deployment } from '../../api/client.ts'
import { accountsQuery } from '../../api/queries.ts'
import { tell } from '../../app/toasts.ts'
import { Ago } from '../../kit/ago.tsx'
import { Button } from '../../kit/button.tsx'
import { Card } from '../../kit/card.tsx'
import { Confirm } from '../../kit/confirm.tsx'
import { Note } from '../../kit/note.tsx'
import { ConnectAccount } from '../own-credentials/connect-account.tsx'
import { useCurrent } from './current.ts'
import '../../kit/table.css'

const hasAccounts = ({ release }: Deployment) => release.variables.some(({ account }) => account !== null)

/** Tells that an account which serves everybody is missing, with the button that mends it. */
export function AccountNotes() {
  const deployment = useCurrent()
  const { data } = useQuery({ ...accountsQuery(deployment.id), enabled: hasAccounts(deployment) })
  const missing = data?.filter(({ own, state }) => !own && (state === 'missing' || state === 'broken')) ?? []
  return missing.map((account) => (
    <div key={account.name} className="above-walk">
      <Note
        tone="failed"
        icon={Unplug}
        title={
          account.state === 'broken'
            ? `${account.provider.name} must be connected again`
            : `It needs an account at ${account.provider.name}`
        }
        actions={
          <ConnectAccount
            deploymentId={deployment.id}
            name={account.name}
            provider={account.provider.name}
            again={account.state === 'broken'}
          />
        }
      >
        <p>{account.problem ?? `${account.name} is its token. Until it is connected, calls are refused.`}</p>
      </Note>
    </div>
  ))
}

/** Accounts that the server works with. */
export function AccountsCard() {
  const deployment = useCurrent()
  const { id } = deployment
  const queryClient = useQueryClient()
  const { data } = useQuery(accountsQuery(id))
  const [leaving, setLeaving] = useState<Account | null>(null)
  const forget = useMutation({
    mutationFn: ({ name }: Account) => api.call('disconnectAccount', { params: { id, name } }),
    onSuccess: async (_, { provider }) => {
      setLeaving(null)
      tell({ tone: 'stopped', text: `${provider.name} is disconnected` })
      await queryClient.invalidateQueries({ queryKey: accountsQuery(id).queryKey })
    },
  })
  if (data === undefined || data.length === 0) return null
  return (
    <Card className="cut" title="Accounts at other services">
      <table className="table low people">
        <thead>
          <tr>
            <th scope="col">Credential</th>
            <th scope="col">Service</th>
            <th scope="col" className="no-s">
              Connected
            </th>
            <th scope="col">
              <span className="sr">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {data.map((account) => (
            <tr key={account.name}>
              <td>
                <code>{account.name}</code>
                <div className="sub">
                  {account.own ? 'Each member connects their own' : 'Serves everybody'}
                </div>
              </td>
              <td>
                {account.provider.name}
                {account.problem !== null && <div className="sub">{account.problem}</div>}
                {account.state === 'unused' && <div className="sub">No release works with it any more</div>}
              </td>
              <td className="no-s dim">{account.connectedAt && <Ago at={account.connectedAt} />}</td>
              <td className="n">
                {account.state === 'connected' || account.state === 'unused' ? (
                  <Button
                    size="sm"
                    variant="quiet"
                    aria-label={`Disconnect ${account.name}`}
                    onClick={() => setLeaving(account)}
                  >
                    Disconnect
                  </Button>
                ) : (
                  <ConnectAccount
                    deploymentId={id}
                    name={account.name}
                    provider={account.provider.name}
                    again={account.state === 'broken'}
                  />
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {leaving && (
        <Confirm
          title={`Disconnect ${leaving.provider.name}`}
          action="Disconnect"
          pending={forget.isPending}
          error={forget.error}
          onConfirm={() => forget.mutate(leaving)}
          onClose={() => setLeaving(null)}
        >
          <p>
            {leaving.state === 'unused'
              ? 'The token is forgotten.'
              : leaving.own
                ? 'Your token is forgotten, and the server refuses your calls.'
                : 'The token is forgotten, and the server refuses all calls until an account is connected again.'}{' '}
            {leaving.provider.name} is asked to end it where it has an address for that; otherwise take it
            back there.
          </p>
        </Confirm>
      )}
    </Card>
  )
}
