import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { CircleAlert, PackageCheck, RefreshCw } from 'lucide-react'
import { api, type Update } from '../../api/client.ts'
import { updateQuery } from '../../api/queries.ts'
import { Ago } from '../../kit/ago.tsx'
import { Badge } from '../../kit/badge.tsx'
import { Button } from '../../kit/button.tsx'
import { Card } from '../../kit/card.tsx'
import { ErrorNote } from '../../kit/error-note.tsx'
import { Note } from '../../kit/note.tsx'
import { useCurrent } from './current.ts'
import { useRelease } from './release-actions.ts'
import { ChangeList, rowsOfNames } from './release-changes.tsx'
import { DefinitionChanges } from './tools/definition-changes.tsx'

function useUpdateChange<T>(act: (given: T) => Promise<Update>) {
  const { id } = useCurrent()
  const queryClient = useQueryClient()
  return useMutation({
    mutationFn: act,
    onSuccess: (update) => {
      queryClient.setQueryData(updateQuery(id).queryKey, update)
      void queryClient.invalidateQueries({ queryKey: ['deployment'] })
      void queryClient.invalidateQueries({ queryKey: ['deployments'] })
    },
  })
}

/** What is known of a newer version, what it would change, and the way to it. Nothing for a server of somebody else. */
export function UpdatePanel() {
  const { id, liveRelease, release } = useCurrent()
  const isOwn = release.package.kind !== 'remote'
  const {
    data: update,
    error,
    refetch,
  } = useQuery({
    ...updateQuery(id),
    enabled: isOwn && liveRelease !== null,
  })
  if (update === undefined) return error ? <ErrorNote error={error} onRetry={() => void refetch()} /> : null
  return update.available && !update.isSkipped ? (
    <Available update={update} />
  ) : (
    <section className="row wrap update-line" aria-label="Updates">
      <span className="dim">
        {update.isSkipped
          ? `Version ${update.latest} is available and skipped.`
          : update.checkedAt === null
            ? 'Nobody looked for a newer version yet.'
            : `${update.current} is the newest version that is known.`}
      </span>
      {update.isSkipped && <SkipButton update={update} />}
      <Looked update={update} />
    </section>
  )
}

function Available({ update }: { readonly update: Update }) {
  const deployment = useCurrent()
  const make = useRelease(deployment, () => undefined)
  const { latest, current, publishedAt, deprecated, trial, phase } = update
  return (
    <Card
      className="cut"
      title={`Version ${latest} is available`}
      beside={publishedAt !== null && <Ago at={publishedAt} />}
      foot={<Looked update={update} />}
    >
      <div className="pad stack">
        <p className="dim">
          {current} goes on serving until {latest} has answered. You can go back at any time.
        </p>
        {deprecated !== null && (
          <Note tone="unhealthy" icon={CircleAlert} title="Its publisher warns">
            <p>{deprecated}</p>
          </Note>
        )}
        {trial !== null && <Trial trial={trial} />}
        {trial === null && phase === 'trying' && (
          <p role="status" className="dim">
            It is being tried out in the sandbox, without your values…
          </p>
        )}
        {make.error && <ErrorNote error={make.error} />}
        <div className="row wrap">
          <Button
            variant="primary"
            icon={PackageCheck}
            pending={make.isPending}
            onClick={() => make.mutate({ version: latest })}
          >
            Update to {latest}
          </Button>
          <SkipButton update={update} />
        </div>
      </div>
    </Card>
  )
}

/** What trying it out showed, beside what serves. */
function Trial({ trial }: { readonly trial: NonNullable<Update['trial']> }) {
  const { works, message, tools, resources, prompts, requires } = trial
  const rows = [
    ...tools.added.map(({ name, description }) => ({
      sign: '+' as const,
      text: `Tool ${name}${description === null ? '' : `: ${description}`}`,
    })),
    ...tools.removed.map((name) => ({ sign: '−' as const, text: `Tool ${name}` })),
    ...rowsOfNames('Resource', resources),
    ...rowsOfNames('Prompt', prompts),
  ]
  const isSame = works && message === null && rows.length + tools.changed.length + requires.length === 0
  return (
    <>
      {!works && (
        <Note tone="failed" icon={CircleAlert} title="It did not start when it was tried out">
          <p>{message}</p>
        </Note>
      )}
      {works && message !== null && <p className="dim">{message}</p>}
      {requires.length > 0 && (
        <Note tone="unhealthy" icon={CircleAlert} title="It wants values that this deployment has not">
          <ul>
            {requires.map(({ name, description }) => (
              <li key={name}>
                <code>{name}</code> {description}
              </li>
            ))}
          </ul>
        </Note>
      )}
      {isSame && <p>Tried out in the sandbox: its tools, resources and prompts are the same.</p>}
      {rows.length > 0 && <ChangeList rows={rows} />}
      {tools.changed.map(({ name, members, from, to }) => (
        <div key={name}>
          <p className="row wrap">
            <Badge tone="warn">changed</Badge> <span className="mono strong">{name}</span>
          </p>
          <DefinitionChanges name={name} from={from} to={to} members={members} />
        </div>
      ))}
    </>
  )
}

function SkipButton({ update: { latest, isSkipped } }: { readonly update: Update }) {
  const { id } = useCurrent()
  const skip = useUpdateChange((version: string | null) =>
    api.call('skipUpdate', { params: { id }, body: { version } }),
  )
  return (
    <>
      <Button pending={skip.isPending} onClick={() => skip.mutate(isSkipped ? null : latest)}>
        {isSkipped ? 'Show it again' : 'Skip this version'}
      </Button>
      {skip.error && <ErrorNote error={skip.error} />}
    </>
  )
}

/** When it was looked for last, why that failed, and the way to look again. */
function Looked({ update: { phase, checkedAt, failure } }: { readonly update: Update }) {
  const { id } = useCurrent()
  const check = useUpdateChange(() => api.call('checkUpdate', { params: { id } }))
  return (
    <span className="row wrap faint">
      {checkedAt !== null && (
        <span>
          Looked for <Ago at={checkedAt} />
        </span>
      )}
      {failure !== null && <span className="failed update-failure">{failure}</span>}
      <Button
        size="sm"
        variant="quiet"
        icon={RefreshCw}
        pending={check.isPending || phase !== 'idle'}
        onClick={() => check.mutate(undefined)}
      >
        Look now
      </Button>
      {check.error && <ErrorNote error={check.error} />}
    </span>
  )
}
