import type { RouteOutput } from '../../contract/index.ts'
import type { queries } from '../../db/index.ts'
import { deploymentState, type DeploymentState } from '../../domain/index.ts'
import { presentRelease } from '../releases/present.ts'

/** A deployment as the API shows it, with its one derived state. */
export function presentDeployment(
  publicUrl: string,
  view: queries.DeploymentView,
): RouteOutput<'getDeployment'> {
  const state = deploymentState({
    desired: view.desired,
    newest: view.newest.state,
    hasLiveRelease: view.liveNumber !== null,
    instanceReady: view.instanceReady,
    instanceSilent: view.instanceSilent,
    nodeLost: view.nodeLost,
    asleep: view.asleep,
    failures: view.failures,
  })
  return {
    id: view.id,
    slug: view.slug,
    name: view.name,
    source: view.source,
    runtime: view.runtime,
    state,
    stateReason: reason(state, view),
    endpoint: `${publicUrl}/mcp/${view.slug}`,
    release: presentRelease(view.newest),
    liveRelease: view.liveNumber,
    toolCount: view.toolCount,
    update: view.update,
    createdAt: view.createdAt.toISOString(),
    updatedAt: view.updatedAt.toISOString(),
  }
}

const NODE_LOST =
  'The machine that has its data does not answer. It goes on when Catwalk is started there again.'

function crashLoop({ failures, lastEnd }: queries.DeploymentView): string {
  const last = lastEnd === null ? '' : ` ${lastEnd}`
  return `It is not started again after it ended or did not come up ${failures} times in a row.${last}`
}

function reason(state: DeploymentState, view: queries.DeploymentView): string | null {
  switch (state) {
    case 'failed':
      return view.liveNumber === null ? (view.newest.error?.message ?? null) : crashLoop(view)
    case 'unhealthy':
      return view.nodeLost ? NODE_LOST : view.lastEnd
    case 'running':
      return view.newest.state === 'failed'
        ? `Release ${view.newest.number} failed, release ${view.liveNumber ?? 0} still serves.`
        : null
    case 'stopped':
      return view.instanceReady ? 'Calls are refused; its instance is ending.' : null
    case 'deploying':
    case 'sleeping':
    case 'deleting':
      return null
    default:
      return state satisfies never
  }
}
