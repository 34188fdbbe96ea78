import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api, type SignInWays, type SignUpFacts } from '../../api/client.ts'
import { signInWaysQuery, signUpQuery } from '../../api/queries.ts'
import { tell } from '../../app/toasts.ts'
import { Badge } from '../../kit/badge.tsx'
import { Button } from '../../kit/button.tsx'
import { Card } from '../../kit/card.tsx'
import { ProofDialog } from './proof.tsx'

type Provider = SignUpFacts['providers'][number]

/** Accounts at GitHub and Google that sign in here. Nothing where no provider is configured. */
export function Accounts({ ways }: { readonly ways: SignInWays }) {
  const { data: signUp } = useQuery(signUpQuery)
  const [changing, setChanging] = useState<Provider | null>(null)
  if (signUp === undefined || signUp.providers.length === 0) return null
  const isLinked = ({ id }: Provider) => ways.accounts.some(({ provider }) => provider === id)
  return (
    <Card title="Linked accounts">
      <div className="pad stack">
        {signUp.providers.map((provider) => (
          <div key={provider.id} className="row">
            <span>{provider.name}</span>
            {isLinked(provider) && <Badge tone="ok">Linked</Badge>}
            <span className="push">
              <Button
                size="sm"
                {...(isLinked(provider) ? { variant: 'quiet' as const } : {})}
                aria-label={`${isLinked(provider) ? 'Unlink' : 'Link'} ${provider.name}`}
                onClick={() => setChanging(provider)}
              >
                {isLinked(provider) ? 'Unlink' : 'Link'}
              </Button>
            </span>
          </div>
        ))}
      </div>
      {changing !== null && (
        <Change
          provider={changing}
          isLinked={isLinked(changing)}
          hasPassword={ways.hasPassword}
          onClose={() => setChanging(null)}
        />
      )}
    </Card>
  )
}

interface ChangeProps {
  readonly provider: Provider
  readonly isLinked: boolean
  readonly hasPassword: boolean
  readonly onClose: () => void
}

function Change({ provider: { id, name }, isLinked, hasPassword, onClose }: ChangeProps) {
  const queryClient = useQueryClient()
  const change = useMutation({
    mutationFn: async (password: string | undefined) => {
      const input = { params: { provider: id }, body: password === undefined ? {} : { password } }
      if (!isLinked) {
        location.assign((await api.call('linkAccount', input)).url)
        return
      }
      await api.call('unlinkAccount', input)
      tell({ tone: 'stopped', text: `${name} is unlinked` })
      onClose()
      await queryClient.invalidateQueries({ queryKey: signInWaysQuery.queryKey })
    },
  })
  return (
    <ProofDialog
      title={`${isLinked ? 'Unlink' : 'Link'} ${name}`}
      action={isLinked ? 'Unlink' : `Go on to ${name}`}
      danger={isLinked}
      hasPassword={hasPassword}
      pending={change.isPending}
      error={change.error}
      onProof={(password) => change.mutate(password)}
      onClose={onClose}
    >
      <p>{isLinked ? 'It signs you in no more.' : 'From then on it signs you in here.'}</p>
    </ProofDialog>
  )
}
