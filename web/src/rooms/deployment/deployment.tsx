import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { useCallback, useEffect, useRef } from 'react'
import { ApiError, type Deployment } from '../../api/client.ts'
import { deploymentQuery, deploymentsQuery } from '../../api/queries.ts'
import { useFeed } from '../../api/use-feed.ts'
import { announce } from '../../app/announcer.tsx'
import { forgetFreshToken } from '../../app/fresh-tokens.ts'
import { Page } from '../../app/page.tsx'
import { tell } from '../../app/toasts.ts'
import { Empty } from '../../kit/empty.tsx'
import { ErrorNote } from '../../kit/error-note.tsx'
import { Skeleton, SkeletonCard } from '../../kit/skeleton.tsx'
import { STATE_WORDS } from '../../kit/state.tsx'
import { CurrentDeployment } from './current.ts'
import { Deploying } from './deploying.tsx'
import { Failed } from './failed.tsx'
import { Tabbed } from './tabbed.tsx'
import './deployment.css'

const ABOVE = [{ to: '/deployments', label: 'Deployments' }] as const

/** The room of one deployment: what it shows depends on what the deployment is doing. */
export function DeploymentRoom() {
  const { slug } = useParams({ from: '/house/deployments/$slug' })
  const { data: deployment, error, refetch } = useQuery(deploymentQuery(slug))
  // An error while there is something to show is told by the banner; what is known stays.
  if (deployment === undefined && error !== null) {
    return (
      <Page title={slug} above={ABOVE}>
        {error instanceof ApiError && error.status === 404 ? (
          <Gone />
        ) : (
          <ErrorNote error={error} onRetry={() => void refetch()} />
        )}
      </Page>
    )
  }
  return (
    <Page title={deployment?.name ?? slug} above={ABOVE}>
      {deployment === undefined ? <RoomSkeleton /> : <Room key={deployment.id} deployment={deployment} />}
    </Page>
  )
}

function Room({ deployment }: { readonly deployment: Deployment }) {
  const { id, name, slug, state } = deployment
  const navigate = useNavigate()
  const queryClient = useQueryClient()
  const onDeleted = useCallback(() => {
    forgetFreshToken(id)
    tell({ tone: 'stopped', text: `${name} is deleted` })
    void navigate({ to: '/deployments' }).then(() => {
      queryClient.removeQueries({ queryKey: ['deployment', slug] })
      queryClient.removeQueries({ queryKey: ['feed', id] })
      return queryClient.invalidateQueries({ queryKey: deploymentsQuery.queryKey })
    })
  }, [id, name, slug, navigate, queryClient])
  useFeed(id, onDeleted)
  useAnnouncedState(deployment)
  const isFirst = deployment.liveRelease === null
  return (
    <CurrentDeployment value={deployment}>
      {state === 'deploying' && isFirst ? (
        <Deploying />
      ) : state === 'failed' && isFirst ? (
        <Failed />
      ) : (
        <Tabbed />
      )}
    </CurrentDeployment>
  )
}

/** Screen readers hear of each change, not of the state that was there. */
function useAnnouncedState({ name, state }: Deployment): void {
  const before = useRef(state)
  useEffect(() => {
    if (before.current !== state) announce(`${name}: ${STATE_WORDS[state]}`)
    before.current = state
  }, [name, state])
}

function Gone() {
  return (
    <section className="card">
      <Empty
        level="h1"
        title="There is no such deployment"
        action={
          <Link className="btn primary" to="/deployments">
            All deployments
          </Link>
        }
      >
        It was deleted, or the address is mistyped.
      </Empty>
    </section>
  )
}

function RoomSkeleton() {
  return (
    <div className="stack wide" role="status" aria-busy="true" aria-label="Loading the deployment">
      <Skeleton width={12} height={1.75} />
      <Skeleton width={22} />
      <Skeleton height={3} />
      <div className="split">
        <SkeletonCard height={20} />
        <SkeletonCard height={14} />
      </div>
    </div>
  )
}
