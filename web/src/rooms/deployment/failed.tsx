import { Download, FileText, Package, Pencil, RotateCw, Trash2 } from 'lucide-react'
import { useState } from 'react'
import type { Deployment, Release } from '../../api/client.ts'
import { useFeedSoFar } from '../../api/use-feed.ts'
import { Ago } from '../../kit/ago.tsx'
import { Badge } from '../../kit/badge.tsx'
import { Button } from '../../kit/button.tsx'
import { Card, KeyValues } from '../../kit/card.tsx'
import { CopyButton } from '../../kit/copy-button.tsx'
import { download } from '../../kit/download.ts'
import { DocsLink } from '../../kit/error-note.tsx'
import { formatDuration, plural } from '../../kit/format.ts'
import { fatalLine, Log, logText } from '../../kit/log.tsx'
import { useNow } from '../../kit/now.ts'
import { PageHead } from '../../kit/page-head.tsx'
import { State } from '../../kit/state.tsx'
import { Steps } from '../../kit/steps.tsx'
import { Walk } from '../../kit/walk.tsx'
import { AccountNotes } from './accounts.tsx'
import { useAction } from './actions.ts'
import { ChangeDialog } from './change-dialog.tsx'
import { useCurrent } from './current.ts'
import { DeleteDialog } from './delete-dialog.tsx'
import { walkOf } from './steps.ts'

/** The post-mortem of a release that did not come up: the fix first, then the evidence. */
export function Failed() {
  const deployment = useCurrent()
  const { name, slug, source, release, stateReason } = deployment
  const { events } = useFeedSoFar(deployment.id)
  const [isDeleting, setDeleting] = useState(false)
  const [isChanging, setChanging] = useState(false)
  const act = useAction(deployment)
  const { steps, at, totalMs } = walkOf(release, events, useNow(null))
  const { error } = release
  return (
    <>
      <PageHead
        above={
          <>
            <State state="failed" pill />
            <span className="faint">
              Release v{release.number}, <Ago at={deployment.updatedAt} />
            </span>
          </>
        }
        title={`${name} did not start`}
        lead={`${error?.message ?? stateReason ?? 'It ended before it answered.'} Nothing is running. Your settings are kept.`}
        actions={
          <Button variant="quiet" icon={Trash2} onClick={() => setDeleting(true)}>
            Delete
          </Button>
        }
      />
      <Walk
        sourceIcon={Package}
        source={source}
        line="broken"
        at={at}
        endpoint={`/mcp/${slug}`}
        end={<Badge>Not open</Badge>}
      />
      <AccountNotes />
      <div className="split below-walk">
        <div className="stack wide">
          <Card
            title="The fix"
            actions={
              error && (
                <span className="row">
                  <FileText className="link-icon" />
                  <DocsLink docs={error.docs} code={error.error} />
                </span>
              )
            }
          >
            <div className="pad stack">
              <p>{error?.help ?? 'Look at the last output, then try again.'}</p>
              <div className="row wrap">
                <Button
                  variant="primary"
                  icon={RotateCw}
                  pending={act.isPending}
                  onClick={() => act.mutate('start')}
                >
                  Try again
                </Button>
                <Button icon={Pencil} onClick={() => setChanging(true)}>
                  Change and try again
                </Button>
              </div>
            </div>
          </Card>
          {error && <LastOutput name={slug} error={error} />}
        </div>
        <aside className="stack wide" aria-label="Evidence">
          <section className="card pad">
            <h2 className="sr">Steps</h2>
            <Steps steps={steps} tight />
          </section>
          {error && <Evidence deployment={deployment} error={error} totalMs={totalMs} />}
        </aside>
      </div>
      {isChanging && <ChangeDialog base={release} onClose={() => setChanging(false)} />}
      {isDeleting && <DeleteDialog deployment={deployment} onClose={() => setDeleting(false)} />}
    </>
  )
}

type ReleaseError = NonNullable<Release['error']>

function LastOutput({ name, error }: { readonly name: string; readonly error: ReleaseError }) {
  const { lastLines } = error
  const text = () => logText(lastLines)
  return (
    <Card
      className="cut"
      title="Last output"
      beside={<span className="faint num">{plural(lastLines.length, 'line')}</span>}
      actions={
        lastLines.length > 0 && (
          <>
            <CopyButton quiet what="the last output" text={text} />
            <Button
              size="sm"
              variant="quiet"
              className="no-s"
              icon={Download}
              onClick={() => download(`${name}-last-output.log`, text())}
            >
              Download
            </Button>
          </>
        )
      }
    >
      {lastLines.length > 0 ? (
        <Log label="Last output" lines={lastLines} fatal={fatalLine(lastLines)} />
      ) : (
        <p className="pad dim">It printed nothing.</p>
      )}
    </Card>
  )
}

interface EvidenceProps {
  readonly deployment: Deployment
  readonly error: ReleaseError
  readonly totalMs: number
}

function Evidence({ deployment, error, totalMs }: EvidenceProps) {
  const { release, runtime } = deployment
  const report = () =>
    [
      `${deployment.source}, release v${release.number}`,
      `${error.error}: ${error.message}`,
      `exit code ${error.exitCode ?? 'none'}, signal ${error.signal ?? 'none'}, after ${formatDuration(totalMs)}`,
      '',
      logText(error.lastLines),
    ].join('\n')
  return (
    <section className="card" aria-label="Details">
      <KeyValues
        items={{
          'Error code': <code>{error.error}</code>,
          'Exit code': error.exitCode === null ? undefined : <span className="num">{error.exitCode}</span>,
          Signal: error.signal === null ? undefined : <code>{error.signal}</code>,
          'Failed after': <span className="num">{formatDuration(totalMs)}</span>,
          Runtime: runtime === 'local' ? 'Local sandbox' : runtime,
        }}
      />
      <div className="card-foot">
        <CopyButton quiet className="flush" label="Copy report" what="of what happened" text={report} />
      </div>
    </section>
  )
}
