import { useQuery } from '@tanstack/react-query'
import { Link, useSearch } from '@tanstack/react-router'
import { CircleCheck } from 'lucide-react'
import { finishedAccountQuery } from '../../api/queries.ts'
import { Door } from '../../app/door.tsx'
import { ErrorNote } from '../../kit/error-note.tsx'
import { Note } from '../../kit/note.tsx'
import { Skeleton } from '../../kit/skeleton.tsx'
import { openConsent } from './way-back.ts'

/** Where a service sends the browser back to with an account. What it brings is redeemed once. */
export function AccountCallbackRoom() {
  const answer = useSearch({ from: '/accounts/callback' })
  const { data, error } = useQuery(finishedAccountQuery(answer))
  const consent = openConsent()
  if (error) {
    return (
      <Door title="Not connected">
        <ErrorNote error={error} />
        {consent !== null && <a href={consent}>Back to the client’s question</a>}
        <Link to="/deployments">To your deployments</Link>
      </Door>
    )
  }
  if (data === undefined) {
    return (
      <Door title="Connecting the account">
        <div className="stack" role="status" aria-busy="true" aria-label="Connecting the account">
          <Skeleton height={2.75} />
        </div>
      </Door>
    )
  }
  const { deployment, provider, own } = data
  return (
    <Door title="Connected">
      <Note tone="running" icon={CircleCheck} title={`${deployment.name} works with ${provider} now`}>
        <p>
          {own
            ? 'Your account serves your own calls and nobody else’s.'
            : 'The account serves everybody who may call the server.'}
        </p>
      </Note>
      {consent !== null && <a href={consent}>Go on connecting the client</a>}
      {own ? (
        <Link to="/your-credentials" search={{ deployment: deployment.id }}>
          To your credentials
        </Link>
      ) : (
        <Link to="/deployments/$slug" params={{ slug: deployment.slug }}>
          To {deployment.name}
        </Link>
      )}
    </Door>
  )
}
