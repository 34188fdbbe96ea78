import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useSearch } from '@tanstack/react-router'
import { CircleX, Package, RotateCw } from 'lucide-react'
import type { Analysis } from '../../api/client.ts'
import { analysisQuery } from '../../api/analyse.ts'
import { AnalysisProgress } from '../../app/analysis-progress.tsx'
import { Page } from '../../app/page.tsx'
import { pastedFor } from '../../app/pasted.ts'
import { Button } from '../../kit/button.tsx'
import { Empty } from '../../kit/empty.tsx'
import { ErrorNote } from '../../kit/error-note.tsx'
import { plural } from '../../kit/format.ts'
import { Note } from '../../kit/note.tsx'
import { PageHead } from '../../kit/page-head.tsx'
import { Skeleton, SkeletonCard } from '../../kit/skeleton.tsx'
import { Found } from './found.tsx'
import { ReviewForm } from './review-form.tsx'
import { Servers } from './servers.tsx'
import './review.css'

const ABOVE = [{ to: '/', label: 'New deployment' }] as const

export function ReviewRoom() {
  const { source, server } = useSearch({ from: '/house/new' })
  const queryClient = useQueryClient()
  const pasted = pastedFor(source)
  const query = analysisQuery(source, server, pasted)
  const { data: analysis, error, refetch } = useQuery({ ...query, enabled: source !== '' })
  const again = useMutation({
    mutationFn: () =>
      queryClient.fetchQuery({ ...analysisQuery(source, server, pasted, true), staleTime: 0 }),
  })
  if (source === '') {
    return (
      <Page title="Review" above={ABOVE}>
        <section className="card">
          <Empty
            level="h1"
            title="Nothing to look into"
            action={
              <Link className="btn primary" to="/">
                Choose a server
              </Link>
            }
          >
            This page needs a source.
          </Empty>
        </section>
      </Page>
    )
  }
  if (error) {
    return (
      <Page title="Review" above={ABOVE}>
        <PageHead title="This cannot be deployed" above={<SourceLine source={source} />} />
        <ErrorNote error={error} onRetry={() => void refetch()} />
        <p className="after-error">
          <Link to="/">Choose another source</Link>
        </p>
      </Page>
    )
  }
  if (analysis === undefined) return <ReviewSkeleton source={source} server={server} />
  return (
    <Page title={analysis.name} above={ABOVE}>
      <PageHead
        above={<SourceLine source={analysis.asked} />}
        title={analysis.name}
        lead={analysis.about?.description ?? leadOf(analysis)}
        actions={
          <Button
            variant="quiet"
            className="no-s"
            icon={RotateCw}
            pending={again.isPending}
            onClick={() => again.mutate()}
          >
            Look again
          </Button>
        }
      />
      {again.error && <ErrorNote error={again.error} />}
      {again.isPending && (
        <section className="card pad">
          <AnalysisProgress source={source} server={server} />
        </section>
      )}
      {analysis.launch === null || analysis.verdict === 'unsupported' ? (
        <Refused analysis={analysis} />
      ) : (
        <ReviewForm key={analysis.id} analysis={analysis} pasted={pasted} />
      )}
    </Page>
  )
}

/** What was found, where nothing of it can be deployed: a form would lead nowhere. */
function Refused({ analysis }: { readonly analysis: Analysis }) {
  return (
    <div className="stack wide">
      <Note
        tone="failed"
        icon={CircleX}
        title={analysis.verdict === 'unsupported' ? 'It cannot be hosted' : 'No server found'}
      >
        <p>{analysis.reason}</p>
        <p className="decision">
          <Link to="/">Choose another source</Link>
        </p>
      </Note>
      <Servers analysis={analysis} />
      <Found analysis={analysis} />
    </div>
  )
}

function leadOf({ tools }: Analysis): string {
  return tools.length === 0 ? 'It does not say what it does.' : `It offers ${plural(tools.length, 'tool')}.`
}

function SourceLine({ source }: { readonly source: string }) {
  return (
    <span className="row faint">
      <Package />
      <span className="mono">{source}</span>
    </span>
  )
}

function ReviewSkeleton({ source, server }: { readonly source: string; server?: string | undefined }) {
  return (
    <Page title="Review" above={ABOVE}>
      <PageHead
        above={<SourceLine source={source} />}
        title={<Skeleton width={12} height={1.625} />}
        lead="What it is, what it needs and what it offers is being found out."
        actions={
          <Link className="btn quiet" to="/">
            Stop
          </Link>
        }
      />
      <div className="split" aria-busy="true">
        <div className="stack wide">
          <section className="card pad">
            <AnalysisProgress source={source} server={server} />
          </section>
          <SkeletonCard height={20} />
        </div>
        <div className="stack wide">
          <SkeletonCard height={16} />
          <SkeletonCard height={18} />
        </div>
      </div>
    </Page>
  )
}
