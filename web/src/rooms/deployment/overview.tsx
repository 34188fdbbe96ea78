import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Monitor } from 'lucide-react'
import { catalogueQuery, installationQuery, releasesQuery } from '../../api/queries.ts'
import { useFeedSoFar } from '../../api/use-feed.ts'
import { forgetFreshToken, freshTokens } from '../../app/fresh-tokens.ts'
import { networkWords } from '../../app/network-policy.ts'
import { useStore } from '../../app/store.ts'
import { Ago } from '../../kit/ago.tsx'
import { Breakable } from '../../kit/breakable.tsx'
import { Card, KeyValues } from '../../kit/card.tsx'
import { plural } from '../../kit/format.ts'
import { Note } from '../../kit/note.tsx'
import { SkeletonCard } from '../../kit/skeleton.tsx'
import { Connect } from './connect.tsx'
import { useCurrent } from './current.ts'
import { NewToken } from './new-token.tsx'
import './overview.css'

const EVENTS_SHOWN = 6

export function Overview() {
  const deployment = useCurrent()
  const { id, slug } = deployment
  const token = useStore(freshTokens)[id] ?? null
  const { data: installation } = useQuery(installationQuery)
  return (
    <div className="split tab">
      <div className="stack wide">
        {token !== null && (
          <Card title="Your endpoint token" className="fresh">
            <NewToken secret={token} onSaved={() => forgetFreshToken(id)} />
          </Card>
        )}
        <Connect token={token} />
        {installation?.reachable === 'this_machine' && (
          <Note tone="stopped" icon={Monitor} title="Only this machine reaches the endpoint">
            <p>
              Clients on other machines need a public address: set CATWALK_PUBLIC_URL to one that leads here,
              through a reverse proxy or a tunnel.
            </p>
          </Note>
        )}
      </div>
      <div className="stack wide">
        <ServerCard />
        <Activity slug={slug} id={id} />
      </div>
    </div>
  )
}

/** What the server says it is and offers. */
function ServerCard() {
  const { id, release: newest, liveRelease, createdAt } = useCurrent()
  const { data: catalogue, isLoading } = useQuery({ ...catalogueQuery(id), enabled: liveRelease !== null })
  const isOther = liveRelease !== null && liveRelease !== newest.number
  const { data: releases, isLoading: isOtherLoading } = useQuery({ ...releasesQuery(id), enabled: isOther })
  if (isLoading || isOtherLoading) return <SkeletonCard height={16} />
  // While a newer one comes up, or failed, this is about the one that serves.
  const release = (isOther ? releases?.find(({ number }) => number === liveRelease) : undefined) ?? newest
  const info = catalogue?.serverInfo
  return (
    <Card title="Server">
      <KeyValues
        items={{
          Says:
            info?.name === undefined ? undefined : (
              <Breakable text={[info.name, info.version].filter(Boolean).join(' ')} />
            ),
          Protocol: catalogue && <span className="num">{catalogue.protocolVersion}</span>,
          Offers: catalogue && (
            <span className="num">
              {plural(catalogue.tools.length, 'tool')}, {plural(catalogue.resources.length, 'resource')},{' '}
              {plural(catalogue.prompts.length, 'prompt')}
            </span>
          ),
          Package: <Breakable text={release.package.name} />,
          Version: <span className="mono">{release.package.version}</span>,
          Network: networkWords(release.network),
          Memory: <span className="num">{release.memoryMiB} MiB</span>,
          Deployed: <Ago at={createdAt} />,
        }}
      />
    </Card>
  )
}

function Activity({ id, slug }: { readonly id: string; readonly slug: string }) {
  const { events } = useFeedSoFar(id)
  const newest = events.slice(-EVENTS_SHOWN).toReversed()
  return (
    <Card
      title="Activity"
      actions={
        <Link to="/deployments/$slug/logs" params={{ slug }}>
          Logs
        </Link>
      }
    >
      {newest.length === 0 ? (
        <p className="pad dim">Nothing yet.</p>
      ) : (
        <ol className="activity">
          {newest.map((event) => (
            <li key={event.id}>
              <span>{event.message}</span>
              <span className="faint xs">
                <Ago at={event.at} />
              </span>
            </li>
          ))}
        </ol>
      )}
    </Card>
  )
}
