import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import type * as KubernetesClient from '@kubernetes/client-node'
import type {
  AppsV1Api,
  AuthorizationV1Api,
  CoreV1Api,
  KubeConfig,
  NetworkingV1Api,
} from '@kubernetes/client-node'
import { anySignal, CatwalkError, orAborted } from '../../domain/index.ts'

export interface ClusterOptions {
  /** Path of a kubeconfig; null for the service account of the pod that Catwalk runs in. */
  readonly kubeconfig: string | null
  /** One of its contexts; null for the current one. */
  readonly context: string | null
  /** Before the places where a pod has its service account; for tests. */
  readonly serviceAccountRoot?: string
  /** Where pods are made; null for the namespace of the context or the service account. */
  readonly namespace: string | null
  /** How long a request is made again after failures that may pass. */
  readonly patienceMs: number
  /** The first wait between, which doubles up to 10 s. */
  readonly retryBaseMs: number
}

export interface Apis {
  readonly apps: AppsV1Api
  readonly core: CoreV1Api
  readonly networking: NetworkingV1Api
  readonly authorization: AuthorizationV1Api
}

/** What is told of one object in a stream of changes. */
export interface WatchEvent {
  readonly type: string
  readonly object: unknown
}

/** A container's standard streams, each message with the number of its stream: `v5.channel.k8s.io`, or `v4`. */
export interface ChannelSocket {
  readonly protocol: string
  send(message: Buffer, sent?: (error?: Error) => void): void
  ping(): void
  /** Reads no more, so that the other side notices. */
  pause(): void
  resume(): void
  close(): void
  terminate(): void
  on(event: 'close' | 'pong', listener: () => void): unknown
}

export interface AttachTarget {
  readonly pod: string
  readonly container: string
  /** Whether its standard input is wanted, too. */
  readonly stdin: boolean
}

/** An API server of Kubernetes, spoken to through the official client. */
export interface Cluster {
  readonly server: string
  readonly namespace: string
  /** Namespace of the pod that Catwalk itself runs in; null outside of the cluster. */
  readonly ownNamespace: string | null
  /**
   * One request, again after failures that may pass.
   * @throws KubernetesRefusal for what the API server refuses
   * @throws CatwalkError `unavailable` when there is no answer
   */
  ask<T>(request: (apis: Apis) => Promise<T>, signal: AbortSignal): Promise<T>
  /** As {@link ask}, with null for what does not exist. */
  find<T>(request: (apis: Apis) => Promise<T>, signal: AbortSignal): Promise<T | null>
  /**
   * Changes from a version on, until the server or the signal ends the stream.
   * @throws KubernetesRefusal 410 when the version is too old
   */
  watch(
    path: string,
    query: Readonly<Record<string, string>>,
    take: (event: WatchEvent) => void,
    signal: AbortSignal,
  ): Promise<void>
  /**
   * Opens the standard streams of a container that runs.
   * @throws KubernetesRefusal for what the API server refuses; any other error when there was no answer
   */
  attach(
    target: AttachTarget,
    take: (channel: number, bytes: Buffer) => void,
    signal: AbortSignal,
  ): Promise<ChannelSocket>
}

/** What the API server answers to something that it does not do. */
export class KubernetesRefusal extends Error {
  readonly status: number
  /** In its own word, such as `AlreadyExists`. */
  readonly reason: string

  constructor(status: number, reason: string, message: string) {
    super(message)
    this.name = 'KubernetesRefusal'
    this.status = status
    this.reason = reason
  }
}

const ANSWER_MS = 20_000
const MAX_SAID = 400
const OWN_NAMESPACE = '/var/run/secrets/kubernetes.io/serviceaccount/namespace'

type Client = typeof KubernetesClient

/**
 * Reads how to reach the cluster. Tokens of service accounts, which change by the hour, are read again by the client.
 * @throws CatwalkError `runtime_unavailable` when that cannot be read
 */
export async function openCluster(options: ClusterOptions): Promise<Cluster> {
  // 90 MiB of models, for those who have a cluster.
  const client = await import('@kubernetes/client-node')
  const config = readConfig(client, options)
  const server = config.getCurrentCluster()?.server
  if (server === undefined) throw unreadable('it names no cluster', options.kubeconfig)
  const context = config.getContextObject(config.getCurrentContext())
  const { patienceMs, retryBaseMs } = options
  const namespace = options.namespace ?? context?.namespace ?? 'default'

  function apisOf(signal: AbortSignal): Apis {
    const configuration = client.createConfiguration({
      baseServer: new client.ServerConfiguration(server ?? '', {}),
      authMethods: { default: config },
      promiseMiddleware: [
        {
          pre: async (request) => {
            request.setSignal(signal)
            return request
          },
          post: async (response) => response,
        },
      ],
    })
    return {
      apps: new client.AppsV1Api(configuration),
      core: new client.CoreV1Api(configuration),
      networking: new client.NetworkingV1Api(configuration),
      authorization: new client.AuthorizationV1Api(configuration),
    }
  }

  async function ask<T>(request: (apis: Apis) => Promise<T>, signal: AbortSignal): Promise<T> {
    const startedAt = performance.now()
    for (let attempt = 1; ; attempt++) {
      const limit = anySignal([signal, AbortSignal.timeout(ANSWER_MS)])
      let failure: Error
      try {
        return await request(apisOf(limit))
      } catch (error) {
        signal.throwIfAborted()
        failure = failureOf(client, error)
      }
      const refusal = failure instanceof KubernetesRefusal ? failure : null
      if (refusal !== null && !PASSING.has(refusal.status)) throw refusal
      if (performance.now() - startedAt >= patienceMs) {
        if (refusal !== null) throw refusal
        throw new CatwalkError('unavailable', 'The API server of Kubernetes does not answer.', {
          cause: failure,
        })
      }
      // Full jitter: callers that failed together do not come back together.
      await delay(Math.random() * Math.min(retryBaseMs * 2 ** (attempt - 1), LONGEST_WAIT_MS), undefined, {
        signal,
      })
    }
  }

  return {
    server,
    namespace,
    ownNamespace:
      options.kubeconfig === null
        ? await readFile((options.serviceAccountRoot ?? '') + OWN_NAMESPACE, 'utf8').catch(() => null)
        : null,
    ask,
    async find(request, signal) {
      try {
        return await ask(request, signal)
      } catch (error) {
        if (error instanceof KubernetesRefusal && error.status === 404) return null
        throw error
      }
    },
    async watch(path, query, take, signal) {
      const watch = new client.Watch(config)
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const request = await watch.watch(
        path,
        query,
        (type: string, object: unknown) => take({ type, object }),
        (error: unknown) => {
          // A stream that is silent for half a minute is opened anew, from where it was.
          if (error === null || error === undefined || isTimeout(error)) resolve()
          else if (isObject(error) && typeof error['statusCode'] === 'number') {
            reject(new KubernetesRefusal(error['statusCode'], '', String(error['message'])))
          } else reject(error instanceof Error ? error : new Error('the stream broke'))
        },
      )
      const stop = (): void => request.abort()
      signal.addEventListener('abort', stop, { once: true })
      if (signal.aborted) stop()
      try {
        await promise
      } finally {
        signal.removeEventListener('abort', stop)
      }
    },
    async attach({ pod, container, stdin }, take, signal) {
      const streams = { stdin: String(stdin), stdout: 'true', stderr: 'true', tty: 'false' }
      const query = new URLSearchParams({ container, ...streams })
      const path = `/api/v1/namespaces/${namespace}/pods/${pod}/attach?${query.toString()}`
      // What the client itself does with the streams writes on whether there is room or not, and keeps the final status.
      const opening = new client.Attach(config).handler.connect(path, null, (channel, bytes) => {
        take(channel, bytes)
        return true
      })
      return openedSocket(opening, signal)
    },
  }
}

/** @throws the signal's reason; then what opens late is closed */
async function openedSocket(opening: Promise<unknown>, signal: AbortSignal): Promise<ChannelSocket> {
  const opened = opening.then(
    // A WebSocket of the package `ws`, of which the client brings no types.
    (socket) => socket as ChannelSocket,
    (event: unknown) => {
      const said = isObject(event) ? String(event['message']) : String(event)
      const status = /Unexpected server response: (\d{3})/.exec(said)?.[1]
      throw status === undefined ? new Error(said) : new KubernetesRefusal(Number(status), '', said)
    },
  )
  try {
    return await orAborted(opened, signal)
  } catch (error) {
    opened.then(
      (socket) => socket.terminate(),
      () => undefined,
    )
    throw error
  }
}

const PASSING = new Set([408, 429, 500, 502, 503, 504])
const LONGEST_WAIT_MS = 10_000

function readConfig(
  client: Client,
  { kubeconfig, context, serviceAccountRoot = '' }: ClusterOptions,
): KubeConfig {
  const config = new client.KubeConfig()
  try {
    if (kubeconfig === null) config.loadFromCluster(serviceAccountRoot)
    else config.loadFromFile(kubeconfig)
    if (context !== null) config.setCurrentContext(context)
  } catch (error) {
    throw unreadable(error instanceof Error ? error.message : String(error), kubeconfig)
  }
  return config
}

function unreadable(why: string, kubeconfig: string | null): CatwalkError {
  const what = kubeconfig ?? 'The service account of this pod'
  return new CatwalkError('runtime_unavailable', `${what} does not say how to reach Kubernetes: ${why}.`, {
    help: 'Run Catwalk in the cluster (deploy/kubernetes), or set CATWALK_KUBERNETES_KUBECONFIG to the path of a kubeconfig.',
  })
}

function failureOf(client: Client, error: unknown): Error {
  if (error instanceof client.ApiException) return refusalOf(error)
  return error instanceof Error ? error : new Error(String(error))
}

/** The answer is a `Status` object, or a text of whatever stands before the API server. */
function refusalOf(error: { readonly code: number; readonly body: unknown }): KubernetesRefusal {
  let status: unknown = error.body
  if (typeof status === 'string') {
    try {
      status = JSON.parse(status)
    } catch {
      // Shown as it is.
    }
  }
  const { message, reason } = isObject(status) ? status : {}
  const said = typeof message === 'string' ? message : typeof status === 'string' ? status : ''
  return new KubernetesRefusal(
    error.code,
    typeof reason === 'string' ? reason : '',
    said.slice(0, MAX_SAID) || `status ${error.code}`,
  )
}

function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'TimeoutError'
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
