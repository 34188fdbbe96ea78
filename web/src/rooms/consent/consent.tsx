import { useMutation, useQuery } from '@tanstack/react-query'
import { Link, useSearch } from '@tanstack/react-router'
import { CircleCheck, Monitor, ShieldQuestion, Unplug } from 'lucide-react'
import { useState } from 'react'
import { api, type AuthorizationQuestion } from '../../api/client.ts'
import { meQuery, ownCredentialsQuery, questionQuery } from '../../api/queries.ts'
import { Door } from '../../app/door.tsx'
import { Button } from '../../kit/button.tsx'
import { ErrorNote } from '../../kit/error-note.tsx'
import { Checkbox } from '../../kit/field.tsx'
import { Note } from '../../kit/note.tsx'
import { Skeleton } from '../../kit/skeleton.tsx'
import { BringForm } from '../own-credentials/bring-form.tsx'
import './consent.css'

/** Where a client leads a person who shall allow it something at an endpoint. */
export function ConsentRoom() {
  const { request } = useSearch({ from: '/consent' })
  if (request !== undefined) return <Asked request={request} />
  return (
    <Door title="Connect a client">
      <Note tone="deploying" icon={Unplug} title="Start in your client">
        <p>
          The address of this page alone says nothing. Connect to the endpoint in your client, which leads
          here.
        </p>
      </Note>
    </Door>
  )
}

function Asked({ request }: { readonly request: string }) {
  const { data: question, error, refetch } = useQuery(questionQuery(request))
  if (question !== undefined) return <Decision request={request} question={question} />
  return (
    <Door title="Connect a client">
      {error ? (
        <>
          <ErrorNote error={error} onRetry={() => void refetch()} />
          <Link to="/deployments">To your deployments</Link>
        </>
      ) : (
        <div className="stack" role="status" aria-busy="true" aria-label="Loading what the client asks">
          <Skeleton height={2.75} />
          <Skeleton height={2.75} />
        </div>
      )}
    </Door>
  )
}

/** The form with credentials of one's own. */
const BRING = 'bring-own'

interface DecisionProps {
  readonly request: string
  readonly question: AuthorizationQuestion
}

function Decision({ request, question }: DecisionProps) {
  const { client, redirect, deployment, scopes, mayCallTools, before } = question
  const { data: me } = useQuery(meQuery)
  const { data: asked } = useQuery(ownCredentialsQuery)
  const own = asked?.find((one) => one.deployment.slug === deployment.slug)
  const wantsTools = scopes.includes('mcp:tools')
  const [tools, setTools] = useState(wantsTools && mayCallTools)
  const [isFilled, setFilled] = useState(false)
  const decide = useMutation({
    mutationFn: (allow: boolean) => api.call('decideAuthorization', { body: { request, allow, tools } }),
    onSuccess: ({ redirect: to }) => location.assign(to),
  })
  if (decide.data !== undefined) {
    return (
      <Door title={decide.variables ? 'Connected' : 'Not connected'}>
        <Note tone={decide.variables ? 'running' : 'stopped'} icon={CircleCheck} title="Go on in your client">
          <p>You are sent back to {redirect.host}. This page can be closed.</p>
        </Note>
      </Door>
    )
  }
  return (
    <Door title={`Connect ${client.name}?`} lead={origin(client)}>
      <dl className="consent">
        <dt>To</dt>
        <dd>
          <b className="strong">{deployment.name}</b> <span className="dim">in {deployment.workspace}</span>
        </dd>
        <dt>It acts as</dt>
        <dd>
          {me?.user?.email ?? '…'}{' '}
          <Link to="/sign-in" search={{ back: here() }}>
            Not you?
          </Link>
        </dd>
        <dt>Back to</dt>
        <dd className="mono">{redirect.host}</dd>
      </dl>
      <fieldset className="consent-may">
        <legend className="strong">It may</legend>
        <p>See the tools, resources and prompts, and read the resources.</p>
        {wantsTools &&
          (mayCallTools ? (
            <Checkbox
              checked={tools}
              onChange={({ target }) => setTools(target.checked)}
              label={`Call the tools, with ${own === undefined ? 'the credentials that the deployment has' : 'your own credentials'}. Calls are recorded under your name.`}
            />
          ) : (
            <p className="dim">It also asks to call tools. As a viewer you cannot allow that.</p>
          ))}
      </fieldset>
      {redirect.ownMachine && (
        <Note tone="unhealthy" icon={Monitor} title="It says that it is a program on your machine">
          <p>
            Any program there can say so. Go on only if you have just started to connect {client.name}{' '}
            yourself.
          </p>
        </Note>
      )}
      {own !== undefined && !own.complete && (
        <section className="stack" aria-labelledby="own-credentials">
          <h2 id="own-credentials" className="strong">
            It works with your own credentials
          </h2>
          <p className="dim">
            They are kept when you connect: encrypted, and given to a process that serves you alone. Without
            them it lists its tools and calls none; you can bring them later.
          </p>
          <BringForm
            own={own}
            inside={{ id: BRING, onFilled: setFilled }}
            onBrought={() => {
              setFilled(false)
              decide.mutate(true)
            }}
          />
        </section>
      )}
      {before && <p className="dim">You have connected it here before.</p>}
      {decide.error && <ErrorNote error={decide.error} />}
      <div className="consent-actions">
        <Button
          size="lg"
          pending={decide.isPending && !decide.variables}
          onClick={() => decide.mutate(false)}
        >
          Do not connect
        </Button>
        <Button
          variant="primary"
          size="lg"
          icon={ShieldQuestion}
          pending={decide.isPending && decide.variables}
          // What was filled in is kept first; the form says when something is missing.
          {...(isFilled ? { type: 'submit', form: BRING } : { onClick: () => decide.mutate(true) })}
        >
          Connect
        </Button>
      </div>
      <p className="dim xs">You can take it back under Account at any time.</p>
    </Door>
  )
}

const here = () => location.pathname + location.search

/** What is known of where a client comes from. */
function origin({ kind, host }: AuthorizationQuestion['client']): string {
  switch (kind) {
    case 'document':
      return `It is described at ${host ?? 'an address on the web'}.`
    case 'predefined':
      return 'A member of the workspace made it for this endpoint.'
    case 'registered':
      return 'It registered itself: nobody has checked its name.'
  }
}
