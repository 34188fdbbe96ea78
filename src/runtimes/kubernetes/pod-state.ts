import type { V1ContainerStatus, V1Pod } from '@kubernetes/client-node'
import type { InstanceEnd } from '../../domain/index.ts'
import { decodeExit, type ProcessEnd } from '../confined/index.ts'
import { SERVER_CONTAINER } from './image-pod.ts'

/** What has become of a pod. */
export type PodState =
  | { readonly kind: 'running' }
  /** On its way, with what it waits for where that is known. */
  | { readonly kind: 'waiting'; readonly why: string | null }
  /** It will not start by itself. */
  | { readonly kind: 'stuck'; readonly why: string }
  /**
   * Its program has ended. Kubernetes starts the container again, but there is nothing any more that would tell it what to
   * run.
   */
  | { readonly kind: 'gone'; readonly why: string | null; readonly reason: InstanceEnd['reason'] }

/** Reasons for which a container waits until somebody mends something. */
const STUCK = new Set([
  'ImagePullBackOff',
  'InvalidImageName',
  'ErrImageNeverPull',
  'CreateContainerError',
  'RunContainerError',
])

export function podState({ metadata, status }: V1Pod): PodState {
  const containers = status?.containerStatuses ?? []
  const server = containers.find(({ name }) => name === SERVER_CONTAINER)
  const told = (status?.initContainerStatuses ?? []).find(({ name }) => name === 'told')
  const ended = server?.state?.terminated ?? server?.lastState?.terminated
  if (ended !== undefined) {
    const isMemory = ended.reason === 'OOMKilled'
    const why = isMemory ? 'its memory was used up' : `its program ended with ${ended.exitCode}`
    return { kind: 'gone', why, reason: isMemory ? 'out_of_memory' : 'exited' }
  }
  if (metadata?.deletionTimestamp !== undefined || status?.phase === 'Failed') {
    return { kind: 'gone', why: words(status?.reason, status?.message), reason: 'exited' }
  }
  if (server?.state?.running !== undefined) return { kind: 'running' }
  for (const container of [told, server]) {
    const waiting = container?.state?.waiting
    if (waiting?.reason !== undefined && (STUCK.has(waiting.reason) || wantsRoot(waiting.message))) {
      return { kind: 'stuck', why: words(waiting.reason, waiting.message) ?? waiting.reason }
    }
  }
  return { kind: 'waiting', why: waitsFor(status, [told, server]) }
}

/** Of a container that cannot be made; other reasons of the kind, such as a Secret that is not seen yet, pass. */
function wantsRoot(message: string | undefined): boolean {
  return /run as root|runAsNonRoot|non-numeric user/.test(message ?? '')
}

/** How a container ended. */
export interface ContainerExit extends ProcessEnd {
  /** What Kubernetes says besides, such as that there is no such program; null for nothing. */
  readonly why: string | null
}

/** What is known of a container whose pod is not there any more. */
export const EXIT_UNKNOWN: ContainerExit = { exitCode: null, signal: null, outOfMemory: false, why: null }

/** How the server of a pod ended; null while it runs, also on its way out. */
export function containerExit({ status }: V1Pod): ContainerExit | null {
  const server = status?.containerStatuses?.find(({ name }) => name === SERVER_CONTAINER)
  const ended = server?.state?.terminated ?? server?.lastState?.terminated
  if (ended === undefined) {
    return status?.phase === 'Failed' ? { ...EXIT_UNKNOWN, why: words(status.reason, status.message) } : null
  }
  // The reasons of ends that are no accident say nothing more than the exit code.
  const why = ['Completed', 'Error'].includes(ended.reason ?? '') ? null : words(ended.reason, ended.message)
  return { ...decodeExit(ended.exitCode), outOfMemory: ended.reason === 'OOMKilled', why }
}

/** Whether the server's port is open, as the readiness probe has found. */
export function isReady({ status }: V1Pod): boolean {
  return status?.containerStatuses?.find(({ name }) => name === SERVER_CONTAINER)?.ready === true
}

function waitsFor(
  status: V1Pod['status'],
  containers: readonly (V1ContainerStatus | undefined)[],
): string | null {
  const scheduled = status?.conditions?.find(({ type }) => type === 'PodScheduled')
  if (scheduled?.status === 'False') return words(scheduled.reason, scheduled.message)
  const waiting = containers.find((container) => container?.state?.waiting !== undefined)?.state?.waiting
  return words(waiting?.reason, waiting?.message)
}

const MAX_SAID = 300

function words(reason: string | undefined, message: string | undefined): string | null {
  const said = [reason, message].filter((text) => text !== undefined && text !== '').join(': ')
  return said === '' ? null : said.slice(0, MAX_SAID)
}
