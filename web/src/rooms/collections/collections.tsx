import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Plus } from 'lucide-react'
import { useState } from 'react'
import type { Collection } from '../../api/client.ts'
import { collectionsQuery } from '../../api/queries.ts'
import { Page } from '../../app/page.tsx'
import { Button } from '../../kit/button.tsx'
import { CopyIcon } from '../../kit/copy-button.tsx'
import { Empty } from '../../kit/empty.tsx'
import { ErrorNote } from '../../kit/error-note.tsx'
import { plural } from '../../kit/format.ts'
import { PageHead } from '../../kit/page-head.tsx'
import { Skeleton } from '../../kit/skeleton.tsx'
import { NewCollection } from './new-collection.tsx'
import '../../kit/table.css'

/** All collections of the workspace. */
export function CollectionsRoom() {
  const { data, error, refetch } = useQuery(collectionsQuery)
  const [isMaking, setMaking] = useState(false)
  const make = (
    <Button variant="primary" icon={Plus} onClick={() => setMaking(true)}>
      New collection
    </Button>
  )
  return (
    <Page title="Collections">
      <PageHead
        title="Collections"
        lead="One address and one token for several deployments."
        actions={data !== undefined && data.length > 0 && make}
      />
      {data === undefined ? (
        error ? (
          <ErrorNote error={error} onRetry={() => void refetch()} />
        ) : (
          <section className="card pad stack" role="status" aria-busy="true" aria-label="Loading collections">
            <Skeleton width={12} />
            <Skeleton width={16} />
          </section>
        )
      ) : data.length === 0 ? (
        <section className="card">
          <Empty title="No collection yet" action={make}>
            Put deployments together that one client uses, so that it needs one address only.
          </Empty>
        </section>
      ) : (
        <section className="card cut">
          <CollectionTable collections={data} />
        </section>
      )}
      {isMaking && <NewCollection onClose={() => setMaking(false)} />}
    </Page>
  )
}

function CollectionTable({ collections }: { readonly collections: readonly Collection[] }) {
  return (
    <table className="table">
      <thead>
        <tr>
          <th scope="col">Name</th>
          <th scope="col" className="no-m">
            Endpoint
          </th>
          <th scope="col" className="n no-s">
            Tools
          </th>
        </tr>
      </thead>
      <tbody>
        {collections.map(({ id, slug, name, endpoint, members, toolCount }) => (
          <tr key={id}>
            <td>
              <Link className="name" to="/collections/$slug" params={{ slug }}>
                {name}
              </Link>
              <div className="sub clip">
                {members.length === 0 ? 'Nothing in it yet' : members.map(({ prefix }) => prefix).join(', ')}
              </div>
            </td>
            <td className="no-m">
              <span className="row ep">
                <span className="mono dim clip">/mcp/{slug}</span>
                <CopyIcon text={endpoint} what={`the endpoint of ${name}`} />
              </span>
            </td>
            <td className="n no-s dim" title={plural(toolCount, 'tool')}>
              {toolCount}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
