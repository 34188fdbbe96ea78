import { Package, X } from 'lucide-react'
import { useState } from 'react'
import { useFeedSoFar } from '../../api/use-feed.ts'
import { Badge } from '../../kit/badge.tsx'
import { Button } from '../../kit/button.tsx'
import { useNow } from '../../kit/now.ts'
import { PageHead } from '../../kit/page-head.tsx'
import { State } from '../../kit/state.tsx'
import { Steps } from '../../kit/steps.tsx'
import { Walk } from '../../kit/walk.tsx'
import { useCurrent } from './current.ts'
import { DeleteDialog } from './delete-dialog.tsx'
import { LiveOutput } from './live-output.tsx'
import { walkOf } from './steps.ts'

/** While the first release comes up. */
export function Deploying() {
  const deployment = useCurrent()
  const { name, slug, source, release } = deployment
  const { events } = useFeedSoFar(deployment.id)
  const now = useNow(100)
  const [isCancelling, setCancelling] = useState(false)
  const { steps, at, totalMs } = walkOf(release, events, now)
  return (
    <>
      <PageHead
        above={
          <>
            <State state="deploying" pill />
            <span className="faint">Release v{release.number}</span>
          </>
        }
        title={`Deploying ${name}`}
        lead="Usually ready in half a minute. You can leave this page, it goes on."
        actions={
          <>
            <span className="clock num" role="timer" aria-label="Time so far">
              {(totalMs / 1000).toFixed(1)}
              <small> s</small>
            </span>
            <Button icon={X} onClick={() => setCancelling(true)}>
              Cancel
            </Button>
          </>
        }
      />
      <Walk
        sourceIcon={Package}
        source={source}
        line="going"
        at={at}
        endpoint={`/mcp/${slug}`}
        end={<Badge>Opens when ready</Badge>}
      />
      <div className="dep">
        <section className="card pad">
          <h2 className="sr">Steps</h2>
          <Steps steps={steps} />
        </section>
        <LiveOutput />
      </div>
      {isCancelling && <DeleteDialog deployment={deployment} onClose={() => setCancelling(false)} />}
    </>
  )
}
