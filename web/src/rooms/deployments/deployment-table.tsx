import { Link } from '@tanstack/react-router'
import { PackageCheck } from 'lucide-react'
import type { Deployment } from '../../api/client.ts'
import { Ago } from '../../kit/ago.tsx'
import { Badge } from '../../kit/badge.tsx'
import { CopyIcon } from '../../kit/copy-button.tsx'
import { Skeleton } from '../../kit/skeleton.tsx'
import { State } from '../../kit/state.tsx'
import '../../kit/table.css'

export function DeploymentTable({ deployments }: { readonly deployments: readonly Deployment[] }) {
  return (
    <table className="table deployments">
      <thead>
        <tr>
          <th scope="col">State</th>
          <th scope="col">Name</th>
          <th scope="col" className="no-m">
            Endpoint
          </th>
          <th scope="col" className="n no-s">
            Tools
          </th>
          <th scope="col" className="n no-s">
            Last change
          </th>
        </tr>
      </thead>
      <tbody>
        {deployments.map((deployment) => (
          <Row key={deployment.id} deployment={deployment} />
        ))}
      </tbody>
    </table>
  )
}

function Row({ deployment }: { readonly deployment: Deployment }) {
  const { slug, name, state, stateReason, source, release, toolCount, update, endpoint, updatedAt } =
    deployment
  const isTrouble = state === 'failed' || state === 'unhealthy'
  const why = isTrouble ? (stateReason ?? release.error?.message) : state === 'deploying' ? stateReason : null
  return (
    <tr>
      <td className="st">
        <State state={state} />
      </td>
      <td>
        <div className="row">
          <Link className="name" to="/deployments/$slug" params={{ slug }}>
            {name}
          </Link>
          <Badge tone="plain" className="num no-s">
            v{release.number}
          </Badge>
          {update !== null && (
            <Link to="/deployments/$slug/releases" params={{ slug }}>
              <Badge tone="acc" icon={PackageCheck}>
                {update}
                <span className="sr"> is available</span>
              </Badge>
            </Link>
          )}
        </div>
        <div className={`sub clip${isTrouble ? ` ${state}` : ''}`}>
          {why ?? <span className="mono">{source}</span>}
        </div>
      </td>
      <td className="no-m">
        <span className="row ep">
          <span className="mono dim clip">/mcp/{slug}</span>
          <CopyIcon text={endpoint} what={`the endpoint of ${name}`} />
        </span>
      </td>
      <td className="n no-s dim">{toolCount ?? '–'}</td>
      <td className="n no-s faint">
        <Ago at={updatedAt} />
      </td>
    </tr>
  )
}

export function TableSkeleton() {
  return (
    <section className="card cut" aria-busy="true" aria-label="Loading deployments">
      <table className="table deployments">
        <tbody>
          {[8, 6, 7].map((width) => (
            <tr key={width}>
              <td className="st">
                <Skeleton width={4.5} />
              </td>
              <td>
                <Skeleton width={width} />
                <div className="sub">
                  <Skeleton width={width + 3} height={0.5} />
                </div>
              </td>
              <td className="no-s">
                <Skeleton width={6} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
