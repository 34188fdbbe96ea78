import { Link } from '@tanstack/react-router'
import { Empty } from '../kit/empty.tsx'
import { Page } from './page.tsx'

export function NotFound() {
  return (
    <Page title="Not found">
      <section className="card">
        <Empty
          level="h1"
          title="There is no such page"
          action={
            <Link className="btn primary" to="/deployments">
              All deployments
            </Link>
          }
        >
          The address may be mistyped, or what it showed was deleted.
        </Empty>
      </section>
    </Page>
  )
}
