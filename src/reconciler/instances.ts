import type { queries } from '../db/index.ts'
import { CatwalkError, type Endpoint, type EndpointDirectory, type Instance } from '../domain/index.ts'

/** An instance that this node runs and that has answered its probe. */
export interface Running {
  readonly instance: Instance
  readonly lease: queries.Lease
  /** The deployment as it was when the instance was last looked at. */
  deployment: queries.DeploymentRow
  readonly releaseId: string
  readonly restartCount: number
  /** `performance.now()` when it became ready. */
  readonly readyAt: number
}

/** The instances of this node, and who waits for one. */
export interface InstanceRegistry extends EndpointDirectory {
  get(deploymentId: string): Running | undefined
  all(): readonly Running[]
  /** Makes it the one that answers; whoever waited goes on. Returns the one it replaces. */
  put(deploymentId: string, running: Running): Running | undefined
  /** Takes it out again, in favour of the one that it replaced if that still runs. */
  restore(running: Running, previous: Running | undefined): void
  /** Takes it out unless another has replaced it. */
  remove(deploymentId: string, instanceId: string): void
  /** The owner may have changed settings that count while it runs. */
  retune(running: Running, deployment: queries.DeploymentRow): void
  /** Whoever waits for an instance of the deployment is told that there will be none for now. */
  fail(deploymentId: string, error: CatwalkError): void
  /** Who is told, once, that somebody waits for an instance of a deployment. */
  onWanted(listener: (deploymentId: string) => void): void
}

interface Waiter {
  readonly go: (endpoint: Endpoint) => void
  readonly fail: (error: Error) => void
}

/**
 * @param wakeTimeoutMs how long a call waits for an instance
 */
export function createInstanceRegistry(wakeTimeoutMs: number): InstanceRegistry {
  const running = new Map<string, Running>()
  const waiting = new Map<string, Set<Waiter>>()
  let wanted: ((deploymentId: string) => void) | null = null

  return {
    get: (deploymentId) => running.get(deploymentId),
    all: () => [...running.values()],
    ready: (deploymentId) => running.get(deploymentId)?.instance.endpoint,
    put(deploymentId, next) {
      const previous = running.get(deploymentId)
      running.set(deploymentId, next)
      for (const { go } of waiting.get(deploymentId) ?? []) go(next.instance.endpoint)
      return previous
    },
    restore({ lease, instance }, previous) {
      const { deploymentId } = lease
      if (running.get(deploymentId)?.instance.id !== instance.id) return
      if (previous === undefined) running.delete(deploymentId)
      else running.set(deploymentId, previous)
    },
    remove(deploymentId, instanceId) {
      if (running.get(deploymentId)?.instance.id === instanceId) running.delete(deploymentId)
    },
    retune(one, deployment) {
      one.deployment = deployment
    },
    fail(deploymentId, error) {
      for (const waiter of waiting.get(deploymentId) ?? []) waiter.fail(error)
    },
    onWanted(listener) {
      wanted = listener
    },
    wake(deploymentId, signal) {
      const now = running.get(deploymentId)
      if (now !== undefined) return Promise.resolve(now.instance.endpoint)
      const { promise, resolve, reject } = Promise.withResolvers<Endpoint>()
      const waiters = waiting.get(deploymentId) ?? new Set<Waiter>()
      const isFirst = waiters.size === 0
      waiting.set(deploymentId, waiters)
      const end = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', abort)
        waiters.delete(waiter)
        if (waiters.size === 0 && waiting.get(deploymentId) === waiters) waiting.delete(deploymentId)
      }
      const waiter: Waiter = {
        go(endpoint) {
          end()
          resolve(endpoint)
        },
        fail(error) {
          end()
          reject(error)
        },
      }
      const abort = (): void =>
        waiter.fail(signal.reason instanceof Error ? signal.reason : new Error('aborted'))
      const timer = setTimeout(() => {
        const seconds = Math.round(wakeTimeoutMs / 1000)
        waiter.fail(new CatwalkError('unavailable', `The server did not come up within ${seconds} s.`))
      }, wakeTimeoutMs)
      waiters.add(waiter)
      if (signal.aborted) abort()
      else {
        signal.addEventListener('abort', abort, { once: true })
        if (isFirst) wanted?.(deploymentId)
      }
      return promise
    },
  }
}
