import { useQuery } from '@tanstack/react-query'
import { Undo2 } from 'lucide-react'
import { useState } from 'react'
import type { Release } from '../../api/client.ts'
import { releasesQuery } from '../../api/queries.ts'
import { networkWords } from '../../app/network-policy.ts'
import { Ago } from '../../kit/ago.tsx'
import { Badge } from '../../kit/badge.tsx'
import { Button } from '../../kit/button.tsx'
import { Confirm } from '../../kit/confirm.tsx'
import { DocsLink, ErrorNote } from '../../kit/error-note.tsx'
import { plural } from '../../kit/format.ts'
import { fatalLine, Log } from '../../kit/log.tsx'
import { SkeletonCard } from '../../kit/skeleton.tsx'
import { useCurrent } from './current.ts'
import { useRelease } from './release-actions.ts'
import { Changes } from './release-changes.tsx'
import { UpdatePanel } from './update-panel.tsx'
import './releases.css'

export function Releases() {
  const deployment = useCurrent()
  const { id, liveRelease } = deployment
  const { data: releases, error, refetch } = useQuery(releasesQuery(id))
  const [backTo, setBackTo] = useState<Release | null>(null)
  if (releases === undefined) {
    return (
      <div className="tab">
        {error ? <ErrorNote error={error} onRetry={() => void refetch()} /> : <SkeletonCard height={9} />}
      </div>
    )
  }
  return (
    <div className="tab stack">
      <UpdatePanel />
      <ol className="stack" aria-label="Releases, newest first">
        {releases.map((release, index) => (
          <li key={release.id}>
            <ReleaseCard
              release={release}
              isServing={release.number === liveRelease}
              since={releases.slice(index + 1).find(({ liveAt }) => liveAt !== null)?.number ?? null}
              onBack={
                release.liveAt === null || release.number === liveRelease ? null : () => setBackTo(release)
              }
            />
          </li>
        ))}
      </ol>
      {backTo && <BackDialog release={backTo} onClose={() => setBackTo(null)} />}
    </div>
  )
}

function BackDialog({ release, onClose }: { readonly release: Release; readonly onClose: () => void }) {
  const deployment = useCurrent()
  const make = useRelease(deployment, onClose)
  return (
    <Confirm
      title={`Go back to v${release.number}`}
      action="Go back"
      variant="primary"
      pending={make.isPending}
      error={make.error}
      onConfirm={() => make.mutate({ from: release.number })}
      onClose={onClose}
    >
      <p>
        A new release is made with the package, arguments, settings and values of v{release.number}. What
        serves goes on until it has answered.
      </p>
    </Confirm>
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

interface ReleaseCardProps {
  readonly release: Release
  readonly isServing: boolean
  /** The release that was live before it, or null. */
  readonly since: number | null
  readonly onBack: (() => void) | null
}

function ReleaseCard({ release, isServing, since, onBack }: ReleaseCardProps) {
  const { id } = useCurrent()
  const [isOpen, setOpen] = useState(false)
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
        {onBack && (
          <Button size="sm" icon={Undo2} onClick={onBack}>
            Go back to v{number}
          </Button>
        )}
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
            {networkWords(network)}, {memoryMiB} MiB
          </dd>
        </div>
      </dl>
      {since !== null && (
        <details className="release-changes" onToggle={(event) => setOpen(event.currentTarget.open)}>
          <summary>What changed since v{since}</summary>
          {isOpen && <Changes id={id} number={number} since={since} />}
        </details>
      )}
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
