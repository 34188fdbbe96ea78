import { useQuery } from '@tanstack/react-query'
import type { Release } from '../../api/client.ts'
import { releasesQuery } from '../../api/queries.ts'
import { Ago } from '../../kit/ago.tsx'
import { Badge } from '../../kit/badge.tsx'
import { DocsLink, ErrorNote } from '../../kit/error-note.tsx'
import { plural } from '../../kit/format.ts'
import { fatalLine, Log } from '../../kit/log.tsx'
import { SkeletonCard } from '../../kit/skeleton.tsx'
import { useCurrent } from './current.ts'
import './releases.css'

export function Releases() {
  const { id, liveRelease } = useCurrent()
  const { data: releases, error, refetch } = useQuery(releasesQuery(id))
  if (releases === undefined) {
    return (
      <div className="tab">
        {error ? <ErrorNote error={error} onRetry={() => void refetch()} /> : <SkeletonCard height={9} />}
      </div>
    )
  }
  return (
    <ol className="tab stack">
      {releases.map((release) => (
        <li key={release.id}>
          <ReleaseCard release={release} isServing={release.number === liveRelease} />
        </li>
      ))}
    </ol>
  )
}

const STATES: Readonly<Record<Release['state'], { tone: 'ok' | 'bad' | 'acc' | undefined; word: string }>> = {
  pending: { tone: 'acc', word: 'Waiting' },
  installing: { tone: 'acc', word: 'Installing' },
  starting: { tone: 'acc', word: 'Starting' },
  probing: { tone: 'acc', word: 'Asking for its tools' },
  live: { tone: 'ok', word: 'Live' },
  superseded: { tone: undefined, word: 'Replaced' },
  failed: { tone: 'bad', word: 'Failed' },
}

function ReleaseCard({ release, isServing }: { readonly release: Release; readonly isServing: boolean }) {
  const {
    number,
    state,
    package: from,
    args,
    variables,
    network,
    memoryMiB,
    createdAt,
    liveAt,
    error,
  } = release
  const { tone, word } = STATES[state]
  return (
    <section className="card cut" aria-labelledby={`release-${number}`}>
      <div className="card-head wrap">
        <h2 id={`release-${number}`} className="num">
          v{number}
        </h2>
        <Badge {...(tone === undefined ? {} : { tone })}>{word}</Badge>
        {isServing && <span className="faint xs">Serves the endpoint</span>}
        <span className="push faint">
          <Ago at={liveAt ?? createdAt} />
        </span>
      </div>
      <dl className="facts pad">
        <div>
          <dt>Package</dt>
          <dd className="mono">
            {from.name}@{from.version}
          </dd>
        </div>
        <div>
          <dt>Arguments</dt>
          <dd className="mono">{args.length === 0 ? <span className="faint">None</span> : args.join(' ')}</dd>
        </div>
        <div>
          <dt>Variables</dt>
          <dd className="mono">
            {variables.length === 0 ? (
              <span className="faint">None</span>
            ) : (
              variables.map((variable) => variable.name).join(', ')
            )}
          </dd>
        </div>
        <div>
          <dt>Runs with</dt>
          <dd className="num">
            {network === 'internet' ? 'Public internet' : 'No network'}, {memoryMiB} MiB
          </dd>
        </div>
      </dl>
      {error && (
        <div className="release-error">
          <p className="failed">{error.message}</p>
          <p className="dim">{error.help}</p>
          <DocsLink docs={error.docs} code={error.error} />
          {error.lastLines.length > 0 && (
            <details>
              <summary>Last output, {plural(error.lastLines.length, 'line')}</summary>
              <Log
                label={`Last output of v${number}`}
                lines={error.lastLines}
                fatal={fatalLine(error.lastLines)}
              />
            </details>
          )}
        </div>
      )}
    </section>
  )
}
