import { setTimeout as delay } from 'node:timers/promises'
import type { V1Pod } from '@kubernetes/client-node'
import type { Logger } from '../../domain/index.ts'
import { KubernetesRefusal, type Cluster } from './cluster.ts'

/** The pods of this installation as they are, kept up to date by a watch for as long as somebody follows it. */
export interface PodWatch {
  /**
   * Tells all pods with these labels: as soon as they are known, and whenever one of the installation changes.
   * @returns what ends it
   */
  follow(labels: Readonly<Record<string, string>>, see: (pods: readonly V1Pod[]) => void): Disposable
  /** The first answer of `decide` that is not null. @throws the signal's reason, and what `decide` throws */
  until<T>(
    labels: Readonly<Record<string, string>>,
    decide: (pods: readonly V1Pod[]) => T | null,
    signal: AbortSignal,
  ): Promise<T>
}

export interface PodWatchOptions {
  readonly open: () => Promise<Cluster>
  /** Of all pods of the installation. */
  readonly labelSelector: string
  readonly logger: Logger
}

/** The server ends a stream after this time, so that load spreads. */
const STREAM_S = 290
const FIRST_RETRY_MS = 50
const LONGEST_RETRY_MS = 5_000

export function createPodWatch({ open, labelSelector, logger }: PodWatchOptions): PodWatch {
  const followers = new Set<() => void>()
  let pods = new Map<string, V1Pod>()
  let isKnown = false
  let stop: AbortController | null = null

  const tellAll = (): void => {
    for (const follower of followers) follower()
  }

  /** Lists, then follows from there; lists again where the server has forgotten how to go on. */
  async function run(signal: AbortSignal): Promise<void> {
    let version: string | null = null
    let retryMs = FIRST_RETRY_MS
    let isBroken = false
    while (!signal.aborted) {
      try {
        const cluster = await open()
        const { namespace } = cluster
        if (version === null) {
          const list = await cluster.ask(
            async ({ core }) => core.listNamespacedPod({ namespace, labelSelector }),
            signal,
          )
          if (signal.aborted) return
          pods = new Map(list.items.map((pod) => [nameOf(pod), pod]))
          isKnown = true
          version = list.metadata?.resourceVersion ?? ''
          tellAll()
        }
        const query = {
          labelSelector,
          resourceVersion: version,
          allowWatchBookmarks: 'true',
          timeoutSeconds: String(STREAM_S),
        }
        await cluster.watch(
          `/api/v1/namespaces/${namespace}/pods`,
          query,
          ({ type, object }) => {
            if (signal.aborted) return
            // Written by the API server.
            const pod = object as V1Pod & { readonly code?: number }
            if (type === 'ERROR') {
              if (pod.code === GONE) version = null
              return
            }
            retryMs = FIRST_RETRY_MS
            isBroken = false
            version = pod.metadata?.resourceVersion ?? version
            if (type === 'BOOKMARK') return
            if (type === 'DELETED') pods.delete(nameOf(pod))
            else pods.set(nameOf(pod), pod)
            tellAll()
          },
          signal,
        )
      } catch (error) {
        if (signal.aborted) return
        if (error instanceof KubernetesRefusal && error.status === GONE) version = null
        else {
          if (!isBroken) logger.warn({ err: error }, 'the pods at Kubernetes cannot be watched right now')
          isBroken = true
        }
      }
      await delay(retryMs, undefined, { signal }).catch(() => undefined)
      retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS)
    }
  }

  const watch: PodWatch = {
    follow(labels, see) {
      const follower = (): void => {
        if (isKnown) see([...pods.values()].filter((pod) => hasLabels(pod, labels)))
      }
      followers.add(follower)
      if (stop === null) {
        stop = new AbortController()
        isKnown = false
        void run(stop.signal)
      }
      follower()
      return {
        [Symbol.dispose]() {
          followers.delete(follower)
          if (followers.size > 0) return
          stop?.abort()
          stop = null
        },
      }
    },
    async until(labels, decide, signal) {
      const { promise, resolve, reject } = Promise.withResolvers<NonNullable<ReturnType<typeof decide>>>()
      const give = (): void => reject(signal.reason)
      signal.throwIfAborted()
      signal.addEventListener('abort', give, { once: true })
      const following = watch.follow(labels, (found) => {
        try {
          const answer = decide(found)
          if (answer !== null) resolve(answer as NonNullable<typeof answer>)
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)))
        }
      })
      try {
        return await promise
      } finally {
        signal.removeEventListener('abort', give)
        following[Symbol.dispose]()
      }
    },
  }
  return watch
}

const GONE = 410

function nameOf({ metadata }: V1Pod): string {
  return metadata?.name ?? ''
}

function hasLabels({ metadata }: V1Pod, labels: Readonly<Record<string, string>>): boolean {
  return Object.entries(labels).every(([name, value]) => metadata?.labels?.[name] === value)
}
