import type { queries } from '../db/index.ts'
import { CatwalkError, type Endpoint, type EndpointDirectory, type Instance } from '../domain/index.ts'

/** An instance that this node runs and that has answered its probe. */
export interface Running {
  readonly instance: Instance
  readonly lease: queries.Lease
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
  /** Takes it out unless another has replaced it. */
  remove(deploymentId: string, instanceId: string): void
}

/**
 * @param wakeTimeoutMs how long a call waits for an instance
 */
export function createInstanceRegistry(wakeTimeoutMs: number): InstanceRegistry {
  const running = new Map<string, Running>()
  const waiting = new Map<string, Set<(endpoint: Endpoint) => void>>()

  return {
    get: (deploymentId) => running.get(deploymentId),
    all: () => [...running.values()],
    ready: (deploymentId) => running.get(deploymentId)?.instance.endpoint,
    put(deploymentId, next) {
      const previous = running.get(deploymentId)
      running.set(deploymentId, next)
      for (const go of waiting.get(deploymentId) ?? []) go(next.instance.endpoint)
      return previous
    },
    remove(deploymentId, instanceId) {
      if (running.get(deploymentId)?.instance.id === instanceId) running.delete(deploymentId)
    },
    wake(deploymentId, signal) {
      const now = running.get(deploymentId)
      if (now !== undefined) return Promise.resolve(now.instance.endpoint)
      return new Promise((resolve, reject) => {
        const waiters = waiting.get(deploymentId) ?? new Set()
        waiting.set(deploymentId, waiters)
        const end = (): void => {
          clearTimeout(timer)
          signal.removeEventListener('abort', abort)
          waiters.delete(go)
          if (waiters.size === 0) waiting.delete(deploymentId)
        }
        const go = (endpoint: Endpoint): void => {
          end()
          resolve(endpoint)
        }
        const abort = (): void => {
          end()
          reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'))
        }
        const timer = setTimeout(() => {
          end()
          const seconds = Math.round(wakeTimeoutMs / 1000)
          reject(new CatwalkError('unavailable', `The server did not come up within ${seconds} s.`))
        }, wakeTimeoutMs)
        waiters.add(go)
        if (signal.aborted) abort()
        else signal.addEventListener('abort', abort, { once: true })
      })
    },
  }
}
