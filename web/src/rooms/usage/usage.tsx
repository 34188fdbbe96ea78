import { Page } from '../../app/page.tsx'
import { PageHead } from '../../kit/page-head.tsx'
import { Quotas } from './quotas.tsx'
import { UsageView } from './usage-view.tsx'

/** What all deployments of the workspace were used for, and what the workspace may use. */
export function UsageRoom() {
  return (
    <Page title="Usage">
      <PageHead
        title="Usage"
        lead="Calls, errors, latency and cost of all deployments, and what the workspace may use."
      />
      <UsageView>
        <Quotas />
      </UsageView>
    </Page>
  )
}
