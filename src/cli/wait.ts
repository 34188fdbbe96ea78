import type { ApiClient } from '../contract/index.ts'
import { anySignal, CatwalkError } from '../domain/index.ts'
import { DeploymentFailedError, type Deployment } from './failure.ts'
import { readFeed, type FeedItem } from './feed.ts'
import { formatSeconds } from './table.ts'

export interface WaitOptions {
  readonly timeoutMs: number
  readonly signal: AbortSignal
  /** Sees every item before it is judged. */
  readonly onItem?: (item: FeedItem) => void
}

/**
 * Follows a deployment until a judge has a verdict.
 * @throws CatwalkError `wait_timeout` after the time limit; what `judge` and the feed throw
 */
export async function follow<T>(
  api: ApiClient,
  id: string,
  judge: (item: FeedItem) => T | null,
  options: WaitOptions,
): Promise<T> {
  const limit = AbortSignal.timeout(options.timeoutMs)
  try {
    for await (const item of readFeed(api, id, { signal: anySignal([options.signal, limit]) })) {
      options.onItem?.(item)
      const verdict = judge(item)
      if (verdict !== null) return verdict
    }
  } catch (error) {
    if (!limit.aborted || options.signal.aborted) throw error
    throw new CatwalkError('wait_timeout', `Not done after ${formatSeconds(options.timeoutMs)}.`)
  }
  throw new CatwalkError('deployment_not_found', 'The deployment was deleted meanwhile.')
}

/**
 * The deployment once its newest release serves; null while that is under way.
 * @throws DeploymentFailedError when it failed; CatwalkError when someone stopped or deleted it
 */
export function judgeServing(item: FeedItem): Deployment | null {
  if (item.kind !== 'deployment') return null
  const { deployment } = item
  const { release } = deployment
  if (release.error !== null) throw new DeploymentFailedError(deployment, release.error)
  if (deployment.state === 'stopped') {
    throw new CatwalkError('deployment_not_running', 'The deployment was stopped meanwhile.')
  }
  if (deployment.state === 'deleting') {
    throw new CatwalkError('deployment_deleting', 'The deployment is being deleted.')
  }
  const serves = deployment.state === 'running' || deployment.state === 'sleeping'
  return serves && release.state === 'live' ? deployment : null
}

/**
 * Judges a deployment that was just asked to start or restart. After a restart only a new instance counts: the old one
 * serves until then.
 * @returns a judge like {@link judgeServing}, which also throws `deployment_not_running` when an instance did not come
 *   up, although Catwalk goes on trying
 */
export function judgeStart(verb: 'start' | 'restart'): (item: FeedItem) => Deployment | null {
  let serving: Deployment | null = null
  let cameUp = verb === 'start'
  let ended: string | null = null
  return (item) => {
    if (item.kind === 'event') {
      const { kind, data, message } = item.event
      if (kind === 'deployment.desired') [cameUp, ended] = [verb === 'start', null]
      if (kind === 'instance.ready' || (kind === 'release.state' && data['state'] === 'live')) cameUp = true
      if (kind === 'instance.ended') ended = message
    }
    if (item.kind === 'deployment') {
      serving = judgeServing(item)
      if (ended !== null) {
        throw new CatwalkError('deployment_not_running', `The server does not come up: ${ended}`, {
          help: 'Catwalk goes on trying. Read what it says with: bin/catwalk logs',
        })
      }
    }
    // The feed repeats a deployment only when it shows otherwise, which one that never stopped serving does not.
    return cameUp ? serving : null
  }
}

/** The deployment once it is stopped. */
export function judgeStopped(item: FeedItem): Deployment | null {
  return item.kind === 'deployment' && item.deployment.state === 'stopped' ? item.deployment : null
}

/** True once the deployment is gone. */
export function judgeGone(item: FeedItem): true | null {
  return item.kind === 'deleted' ? true : null
}
