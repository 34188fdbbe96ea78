import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useSearch } from '@tanstack/react-router'
import { CircleCheck, KeyRound } from 'lucide-react'
import { useState } from 'react'
import { api, type OwnCredentials } from '../../api/client.ts'
import { ownCredentialsQuery } from '../../api/queries.ts'
import { Page } from '../../app/page.tsx'
import { tell } from '../../app/toasts.ts'
import { Ago } from '../../kit/ago.tsx'
import { Button } from '../../kit/button.tsx'
import { Card } from '../../kit/card.tsx'
import { Confirm } from '../../kit/confirm.tsx'
import { Empty } from '../../kit/empty.tsx'
import { ErrorNote } from '../../kit/error-note.tsx'
import { Note } from '../../kit/note.tsx'
import { PageHead } from '../../kit/page-head.tsx'
import { SkeletonCard } from '../../kit/skeleton.tsx'
import { BringForm } from './bring-form.tsx'

/** What one brings oneself, deployment by deployment. The one that the address names comes first. */
export function OwnCredentialsRoom() {
  const { deployment: named } = useSearch({ from: '/house/your-credentials' })
  const { data, error, refetch } = useQuery(ownCredentialsQuery)
  const first = (own: OwnCredentials) => Number(own.deployment.id !== named && own.deployment.slug !== named)
  return (
    <Page title="Your credentials">
      <PageHead
        title="Your credentials"
        lead="Some servers work with the credentials of each member. Yours are encrypted, never shown again, and given to a process that serves you alone."
      />
      {data === undefined ? (
        error ? (
          <ErrorNote error={error} onRetry={() => void refetch()} />
        ) : (
          <div role="status" aria-busy="true" aria-label="Loading your credentials">
            <SkeletonCard height={12} />
          </div>
        )
      ) : data.length === 0 ? (
        <Empty title="Nothing asks for credentials of yours">
          When the owner of a deployment lets each member bring their own, it is listed here.
        </Empty>
      ) : (
        <div className="stack wide">
          {data
            .toSorted((a, b) => first(a) - first(b))
            .map((own) => (
              <OneDeployment key={own.deployment.id} own={own} />
            ))}
        </div>
      )}
    </Page>
  )
}

function OneDeployment({ own }: { readonly own: OwnCredentials }) {
  const queryClient = useQueryClient()
  const [isLeaving, setLeaving] = useState(false)
  const { deployment, workspace, complete, credentials } = own
  const [newest] = credentials
    .flatMap(({ broughtAt }) => (broughtAt === null ? [] : [broughtAt]))
    .toSorted()
    .toReversed()
  const withdraw = useMutation({
    mutationFn: () => api.call('withdrawOwnCredentials', { params: { id: deployment.id } }),
    onSuccess: async () => {
      setLeaving(false)
      tell({ tone: 'stopped', text: `${deployment.name} has nothing of yours any more` })
      await queryClient.invalidateQueries({ queryKey: ownCredentialsQuery.queryKey })
    },
  })
  return (
    <Card
      title={deployment.name}
      beside={<span className="dim">in {workspace.name}</span>}
      actions={
        newest !== undefined && (
          <Button size="sm" variant="quiet" onClick={() => setLeaving(true)}>
            Take back
          </Button>
        )
      }
    >
      <div className="pad stack">
        {complete ? (
          <Note tone="running" icon={CircleCheck} title="The server works for you">
            {newest !== undefined && (
              <p>
                Brought <Ago at={newest} />.
              </p>
            )}
          </Note>
        ) : (
          <Note tone="unhealthy" icon={KeyRound} title="It cannot work for you yet">
            <p>Calls of yours are refused until you have brought what is missing.</p>
          </Note>
        )}
        <BringForm
          own={own}
          onBrought={() =>
            tell({ tone: 'running', text: `${deployment.name} works with your credentials now` })
          }
        />
      </div>
      {isLeaving && (
        <Confirm
          title={`Take back what ${deployment.name} has of you`}
          action="Take back"
          pending={withdraw.isPending}
          error={withdraw.error}
          onConfirm={() => withdraw.mutate()}
          onClose={() => setLeaving(false)}
        >
          <p>
            Your values are deleted, your process ends, and what the server kept for you is removed. Calls of
            yours are refused from then on.
          </p>
        </Confirm>
      )}
    </Card>
  )
}

/** Tells, in the room of a deployment, that it wants something of the one who looks. */
export function BringNote({ id }: { readonly id: string }) {
  const { data } = useQuery(ownCredentialsQuery)
  const own = data?.find(({ deployment }) => deployment.id === id)
  if (own === undefined || own.complete) return null
  return (
    <Note
      tone="unhealthy"
      icon={KeyRound}
      title="It needs your own credentials"
      actions={
        <Link className="btn" to="/your-credentials" search={{ deployment: id }}>
          Bring them
        </Link>
      }
    >
      <p>
        Every member uses this server with their own. Until you have brought yours, it refuses your calls.
      </p>
    </Note>
  )
}
