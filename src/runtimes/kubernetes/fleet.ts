import { setTimeout as delay } from 'node:timers/promises'
import type { V1Deployment, V1Pod } from '@kubernetes/client-node'
import { anySignal, CatwalkError, type InstanceEnd, type Logger } from '../../domain/index.ts'
import { INSTANCE_PORT } from '../elsewhere/index.ts'
import { KubernetesRefusal, type Cluster } from './cluster.ts'
import {
  claimManifest,
  deploymentManifest,
  secretManifest,
  serviceManifest,
  type PodPlan,
  type PodSettings,
} from './manifests.ts'
import { SERVER_CONTAINER } from './image-pod.ts'
import {
  claimName,
  isFurther,
  LABEL,
  podLabels,
  releaseName,
  secretName,
  selectorOf,
  type Owner,
} from './names.ts'
import { networkPolicyManifest, type Callers, type PodNetwork } from './network-policy.ts'
import { cannotStart, notListening } from './not-started.ts'
import { containerExit, EXIT_UNKNOWN, isReady, podState, type ContainerExit } from './pod-state.ts'
import type { PodWatch } from './pod-watch.ts'

export interface PodOrder extends PodPlan {
  readonly network: PodNetwork
}

/** A pod whose program runs. */
export interface RunningPod {
  readonly name: string
  /** Address of its Service; null where it is reached at no port. */
  readonly host: string | null
}

/** How a pod ended. */
export interface PodEnd {
  readonly reason: InstanceEnd['reason']
  readonly why: string | null
}

/** What this installation has in one namespace. */
export interface Fleet {
  readonly cluster: Cluster
  /** Where pods are called from; null where nobody said so. */
  readonly callers: Callers | null
  /**
   * Starts the pod of an instance, after what an earlier holder of the lease started of the release has ended.
   * @throws CatwalkError `unavailable` when a later holder has started one, `runtime_unavailable` when it cannot start
   */
  start(order: PodOrder, signal: AbortSignal): Promise<RunningPod>
  /** Removes what the pod was told, once it knows. Never throws. */
  forgetSecret(owner: Owner): Promise<void>
  /** Resolves when Kubernetes says that the pod of the instance has ended. */
  untilEnded(owner: Owner, signal: AbortSignal): Promise<PodEnd>
  /** How the pod of an instance has ended; null while it runs. */
  endOf(owner: Owner, signal: AbortSignal): Promise<PodEnd | null>
  /** Resolves when the server in a pod has ended, also one that was told to. */
  untilExited(owner: Owner, pod: string, signal: AbortSignal): Promise<ContainerExit>
  /** The last lines of a pod's program. Empty where there is no telling. */
  lastLines(pod: string, signal: AbortSignal): Promise<readonly string[]>
  /**
   * Scales the release to zero, or removes it where another release of the deployment runs, unless a later instance has
   * taken its place; a further process is removed in any case. What cannot be done now is done at the next start. Never throws.
   */
  rest(owner: Owner): Promise<void>
  /** Removes a release and all that belongs to it. */
  remove(owner: Owner, signal: AbortSignal): Promise<void>
  /** Whether the volume has an installation, by what identifies it. */
  hasInstalled(deploymentId: string, installation: string, signal: AbortSignal): Promise<boolean>
  /** Notes that the volume has it, or not any more. */
  noteInstalled(deploymentId: string, installation: string, has: boolean, signal: AbortSignal): Promise<void>
  /** Removes all that the deployment has, its volume included. */
  purge(deploymentId: string, signal: AbortSignal): Promise<void>
}

export interface FleetOptions {
  readonly cluster: Cluster
  readonly watch: PodWatch
  readonly settings: PodSettings
  readonly installation: string
  readonly logger: Logger
}

/** For pods of an earlier holder to end. Beyond it they are on a node that is lost: nobody calls them, and they end by themselves. */
const FENCE_MS = 45_000
const POLL_MS = 250
/** For a server to open its port, once its program runs. */
const LISTEN_MS = 60_000
/** For a pod to be ended; a program that stops waits as long. */
const REST_MS = 20_000
/** How long a Deployment may have no pod before it is asked why. */
const NO_POD_MS = 2_000
const LAST_LINES = 30
const INSTALLED = 'catwalk/installed'
const KEPT_MARKS = 20

export function createFleet({ cluster, watch, settings, installation, logger }: FleetOptions): Fleet {
  const { namespace, ownNamespace } = cluster
  const callers: Callers | null =
    ownNamespace !== null
      ? { namespace: ownNamespace }
      : settings.callers === null
        ? null
        : { range: settings.callers }

  const read = async (name: string, signal: AbortSignal): Promise<V1Deployment | null> =>
    cluster.find(async ({ apps }) => apps.readNamespacedDeployment({ name, namespace }), signal)

  const ofDeployment = async (
    deploymentId: string,
    signal: AbortSignal,
  ): Promise<readonly V1Deployment[]> => {
    const labelSelector = selectorOf({
      [LABEL.installation]: installation,
      [LABEL.deployment]: deploymentId,
    })
    const list = await cluster.ask(
      async ({ apps }) => apps.listNamespacedDeployment({ namespace, labelSelector }),
      signal,
    )
    return list.items
  }

  /**
   * Reads, changes and writes the Deployment of a release until nobody has come between.
   * @param change what it is to be, made of what it is; null to leave it
   */
  async function settle(
    name: string,
    change: (former: V1Deployment | null) => V1Deployment | null,
    signal: AbortSignal,
  ): Promise<V1Deployment | null> {
    for (;;) {
      const former = await read(name, signal)
      const body = change(former)
      if (body === null) return former
      try {
        if (former === null) {
          return await cluster.ask(
            async ({ apps }) => apps.createNamespacedDeployment({ namespace, body }),
            signal,
          )
        }
        const { resourceVersion = '', uid = '' } = former.metadata ?? {}
        Object.assign((body.metadata ??= {}), { resourceVersion, uid })
        return await cluster.ask(
          async ({ apps }) => apps.replaceNamespacedDeployment({ name, namespace, body }),
          signal,
        )
      } catch (error) {
        // Changed, made or removed since it was read; its own controller writes to it as well.
        if (!(error instanceof KubernetesRefusal) || (error.status !== 409 && error.status !== 404))
          throw error
        await delay(POLL_MS * Math.random(), undefined, { signal })
      }
    }
  }

  /** Takes the release over: nothing of it runs, and nothing of an earlier instance can start, when this resolves. */
  async function claim(order: PodOrder, signal: AbortSignal): Promise<V1Deployment> {
    const { owner } = order
    let formerInstance: string | null = null
    const claimed = await settle(
      releaseName(owner),
      (former) => {
        demandNoLater(former, owner)
        if (former !== null) formerInstance = labelOf(former, LABEL.instance)
        return deploymentManifest(settings, order, 0)
      },
      signal,
    )
    if (claimed === null) throw new CatwalkError('unavailable', 'The release could not be claimed.')
    if (formerInstance !== null && formerInstance !== owner.instanceId) {
      await removeSecret({ instanceId: formerInstance }, signal)
      await removeFurther(owner, signal)
      await fence(owner, signal)
    }
    return claimed
  }

  /**
   * The place of a further process of the instance that holds the release. Who takes the release over claims it first and
   * then removes what there is of further processes; who makes one looks after that who holds the release. So one of the
   * two sees the other.
   */
  async function claimFurther(order: PodOrder, signal: AbortSignal): Promise<V1Deployment> {
    const { owner } = order
    const uid = await demandHeld(owner, signal)
    const claimed = await settle(
      releaseName(owner),
      (former) => {
        demandNoLater(former, owner)
        return deploymentManifest(settings, order, 0, uid)
      },
      signal,
    )
    try {
      await demandHeld(owner, signal)
    } catch (error) {
      await removeDeployment(releaseName(owner), signal)
      throw error
    }
    if (claimed === null) throw new CatwalkError('unavailable', 'The process could not be claimed.')
    return claimed
  }

  /** @returns the uid of the release's own Deployment @throws CatwalkError `unavailable` when the instance does not hold it */
  async function demandHeld(owner: Owner, signal: AbortSignal): Promise<string> {
    const own = await read(releaseName({ ...owner, process: 1 }), signal)
    if (own === null || labelOf(own, LABEL.instance) !== owner.instanceId) throw comeBetween()
    return own.metadata?.uid ?? ''
  }

  /** Removes further processes of earlier instances of the release. */
  async function removeFurther(owner: Owner, signal: AbortSignal): Promise<void> {
    for (const one of await ofDeployment(owner.deploymentId, signal)) {
      const isOurs =
        labelOf(one, LABEL.release) !== owner.releaseId ||
        labelOf(one, LABEL.instance) === owner.instanceId ||
        !isFurther({ process: Number(labelOf(one, LABEL.process) ?? 1) })
      if (isOurs) continue
      demandNoLater(one, owner)
      await removeDeployment(one.metadata?.name ?? '', signal)
    }
  }

  async function fence({ releaseId, instanceId }: Owner, signal: AbortSignal): Promise<void> {
    const limit = anySignal([signal, AbortSignal.timeout(FENCE_MS)])
    const isOther = (pod: V1Pod): boolean => labelOf(pod, LABEL.instance) !== instanceId
    try {
      await watch.until({ [LABEL.release]: releaseId }, (pods) => (pods.some(isOther) ? null : true), limit)
    } catch (error) {
      signal.throwIfAborted()
      if (!limit.aborted) throw error
      logger.warn({ release: releaseId }, 'a pod at Kubernetes does not end; nobody calls it any more')
    }
  }

  async function removeSecret(
    owner: Pick<Owner, 'instanceId' | 'process'>,
    signal: AbortSignal,
  ): Promise<void> {
    const name = secretName(owner)
    await cluster.find(async ({ core }) => core.deleteNamespacedSecret({ name, namespace }), signal)
  }

  async function makeVolume(owner: Owner, signal: AbortSignal): Promise<void> {
    const name = claimName(owner.deploymentId)
    const body = claimManifest(settings, owner)
    for (;;) {
      const existing = await cluster.find(
        async ({ core }) => core.readNamespacedPersistentVolumeClaim({ name, namespace }),
        signal,
      )
      if (existing === null) {
        await orExisting(
          cluster.ask(
            async ({ core }) => core.createNamespacedPersistentVolumeClaim({ namespace, body }),
            signal,
          ),
        )
        return
      }
      if (existing.metadata?.deletionTimestamp === undefined) return
      // It goes with the last pod that uses it.
      await delay(POLL_MS, undefined, { signal })
    }
  }

  async function makeService({ owner, run }: PodOrder, uid: string, signal: AbortSignal): Promise<string> {
    const name = releaseName(owner)
    const body = serviceManifest(owner, uid, portOf(run) ?? undefined)
    const made = await orExisting(
      cluster.ask(async ({ core }) => core.createNamespacedService({ namespace, body }), signal),
    )
    const service =
      made ?? (await cluster.ask(async ({ core }) => core.readNamespacedService({ name, namespace }), signal))
    const { clusterIP } = service.spec ?? {}
    if (clusterIP === undefined || clusterIP === '') {
      throw new CatwalkError('unavailable', 'The Service at Kubernetes has no address.')
    }
    return clusterIP.includes(':') ? `[${clusterIP}]` : clusterIP
  }

  async function makePolicy(
    { owner, network, run }: PodOrder,
    uid: string,
    signal: AbortSignal,
  ): Promise<void> {
    const name = releaseName(owner)
    const body = networkPolicyManifest(owner, uid, network, callers, portOf(run))
    const made = await orExisting(
      cluster.ask(
        async ({ networking }) => networking.createNamespacedNetworkPolicy({ namespace, body }),
        signal,
      ),
    )
    if (made !== null) return
    await cluster.ask(
      async ({ networking }) => networking.replaceNamespacedNetworkPolicy({ name, namespace, body }),
      signal,
    )
  }

  /** Waits until the program runs, and that of an image with a port of its own until it listens there. */
  async function untilRunning({ owner, run }: PodOrder, signal: AbortSignal): Promise<V1Pod> {
    const port = run.kind === 'image' ? run.port : null
    let why: string | null = null
    let deaf: NodeJS.Timeout | null = null
    const giveUp = new AbortController()
    const limit = anySignal([signal, giveUp.signal])
    const asking = noPodReason(owner, limit).then(
      (reason) => reason !== null && giveUp.abort(cannotStart(reason, run)),
      () => undefined,
    )
    try {
      return await watch.until(
        podLabels(owner),
        ([pod]) => {
          if (pod === undefined) return null
          const state = podState(pod)
          if (state.kind === 'stuck') throw cannotStart(state.why, run)
          if (state.kind === 'waiting') {
            why = state.why
            return null
          }
          if (state.kind === 'running' && port !== null && !isReady(pod)) {
            deaf ??= setTimeout(() => giveUp.abort(notListening(port)), LISTEN_MS)
            return null
          }
          // Also one that has ended: what it said is told to whoever asks.
          return pod
        },
        limit,
      )
    } catch (error) {
      if (signal.aborted && why !== null) throw cannotStart(why, run)
      throw error
    } finally {
      if (deaf !== null) clearTimeout(deaf)
      giveUp.abort()
      await asking
    }
  }

  /** Why a Deployment gets no pod: a quota, a policy of the cluster. Null when it has got one. */
  async function noPodReason(owner: Owner, signal: AbortSignal): Promise<string | null> {
    for (;;) {
      await delay(NO_POD_MS, undefined, { signal })
      const conditions = (await read(releaseName(owner), signal))?.status?.conditions ?? []
      const failure = conditions.find(({ type, status }) => type === 'ReplicaFailure' && status === 'True')
      if (failure !== undefined) return failure.message ?? failure.reason ?? 'it may not have a pod'
    }
  }

  async function removeDeployment(name: string, signal: AbortSignal): Promise<void> {
    await cluster.find(
      // What belongs to it goes with it: pods, and what names it as its owner.
      async ({ apps }) =>
        apps.deleteNamespacedDeployment({ name, namespace, propagationPolicy: 'Background' }),
      signal,
    )
  }

  /**
   * Ends what nobody needs: releases asleep of a deployment that has another one now (they are started from nothing if they
   * come back), and pods whose program has ended while nobody could tell Kubernetes.
   */
  async function sweep(owner: Owner, signal: AbortSignal): Promise<void> {
    const ours = { [LABEL.installation]: installation }
    const ended = await watch.until(ours, (pods) => pods.filter(hasEnded), signal)
    const labelSelector = selectorOf(ours)
    const { items } = await cluster.ask(
      async ({ apps }) => apps.listNamespacedDeployment({ namespace, labelSelector }),
      signal,
    )
    for (const one of items) {
      const name = one.metadata?.name ?? ''
      const isOther =
        labelOf(one, LABEL.deployment) === owner.deploymentId &&
        labelOf(one, LABEL.release) !== owner.releaseId
      if (isOther && one.spec?.replicas === 0) await removeDeployment(name, signal)
      const instanceId = labelOf(one, LABEL.instance)
      const process = labelOf(one, LABEL.process)
      const isOver = ended.some(
        (pod) => labelOf(pod, LABEL.instance) === instanceId && labelOf(pod, LABEL.process) === process,
      )
      if (one.spec?.replicas !== 1 || !isOver) continue
      if (isFurther({ process: Number(process ?? 1) })) await removeDeployment(name, signal)
      else await settle(name, (former) => asleep(former, instanceId), signal)
    }
  }

  const fleet: Fleet = {
    cluster,
    callers,
    async start(order, signal) {
      const { owner, run } = order
      const isFurtherOne = isFurther(owner)
      if (settings.volumeGiB > 0) await makeVolume(owner, signal)
      const { metadata } = await (isFurtherOne ? claimFurther(order, signal) : claim(order, signal))
      const uid = metadata?.uid ?? ''
      await makePolicy(order, uid, signal)
      const body = secretManifest(owner, uid, run)
      await orExisting(
        cluster.ask(async ({ core }) => core.createNamespacedSecret({ namespace, body }), signal),
      )
      const host = portOf(run) === null ? null : await makeService(order, uid, signal)
      await settle(
        releaseName(owner),
        (former) => {
          demandNoLater(former, owner)
          if (former === null || labelOf(former, LABEL.instance) !== owner.instanceId) throw comeBetween()
          return deploymentManifest(settings, order, 1, isFurtherOne ? ownerOf(former) : null)
        },
        signal,
      )
      const pod = await untilRunning(order, signal)
      await sweep(owner, signal)
      return { name: pod.metadata?.name ?? '', host }
    },
    async forgetSecret(owner) {
      await removeSecret(owner, AbortSignal.timeout(REST_MS)).catch((error: unknown) => {
        logger.warn(
          { instance: owner.instanceId, err: error },
          'a Secret at Kubernetes could not be removed yet',
        )
      })
    },
    async untilEnded(owner, signal) {
      let wasThere = false
      return watch.until(
        podLabels(owner),
        (pods) => {
          wasThere ||= pods.length > 0
          return wasThere ? endOf(pods) : null
        },
        signal,
      )
    },
    async untilExited(owner, pod, signal) {
      return watch.until(
        podLabels(owner),
        (pods) => {
          const own = pods.find(({ metadata }) => metadata?.name === pod)
          return own === undefined ? EXIT_UNKNOWN : containerExit(own)
        },
        signal,
      )
    },
    async endOf(owner, signal) {
      const labelSelector = selectorOf(podLabels(owner))
      const { items } = await cluster.ask(
        async ({ core }) => core.listNamespacedPod({ namespace, labelSelector }),
        signal,
      )
      return endOf(items)
    },
    async lastLines(pod, signal) {
      const name = pod
      const log = await cluster
        .find(
          async ({ core }) =>
            core.readNamespacedPodLog({
              name,
              namespace,
              container: SERVER_CONTAINER,
              tailLines: LAST_LINES,
            }),
          signal,
        )
        .catch(() => null)
      return (log ?? '').split('\n').filter((line) => line !== '')
    },
    async rest(owner) {
      const signal = AbortSignal.timeout(REST_MS)
      const name = releaseName(owner)
      const { instanceId } = owner
      try {
        const others = await ofDeployment(owner.deploymentId, signal)
        const isReplaced =
          isFurther(owner) ||
          others.some((one) => labelOf(one, LABEL.release) !== owner.releaseId && one.spec?.replicas === 1)
        let isOurs = true
        await settle(
          name,
          (former) => {
            isOurs = former !== null && labelOf(former, LABEL.instance) === instanceId
            return asleep(former, instanceId)
          },
          signal,
        )
        if (isOurs && isReplaced) await removeDeployment(name, signal)
        await removeSecret(owner, signal)
        await watch.until(podLabels(owner), (pods) => (pods.length === 0 ? true : null), signal)
      } catch (error) {
        logger.warn({ deployment: name, err: error }, 'a pod at Kubernetes could not be ended yet')
      }
    },
    async remove(owner, signal) {
      await removeDeployment(releaseName(owner), signal)
      await removeSecret(owner, signal)
    },
    async hasInstalled(deploymentId, mark, signal) {
      const name = claimName(deploymentId)
      const claimed = await cluster.find(
        async ({ core }) => core.readNamespacedPersistentVolumeClaim({ name, namespace }),
        signal,
      )
      return claimed?.metadata?.deletionTimestamp === undefined && marksOf(claimed?.metadata).includes(mark)
    },
    async noteInstalled(deploymentId, mark, has, signal) {
      const name = claimName(deploymentId)
      for (;;) {
        const former = await cluster.find(
          async ({ core }) => core.readNamespacedPersistentVolumeClaim({ name, namespace }),
          signal,
        )
        if (former === null) return
        const marks = marksOf(former.metadata).filter((one) => one !== mark)
        const all = [...marks, ...(has ? [mark] : [])].slice(-KEPT_MARKS).join(' ')
        const body = former
        body.metadata ??= {}
        body.metadata.annotations = { ...body.metadata.annotations, [INSTALLED]: all }
        try {
          await cluster.ask(
            async ({ core }) => core.replaceNamespacedPersistentVolumeClaim({ name, namespace, body }),
            signal,
          )
          return
        } catch (error) {
          if (!(error instanceof KubernetesRefusal) || error.status !== 409) throw error
        }
      }
    },
    async purge(deploymentId, signal) {
      for (const { metadata } of await ofDeployment(deploymentId, signal)) {
        await removeDeployment(metadata?.name ?? '', signal)
      }
      const name = claimName(deploymentId)
      await cluster.find(
        async ({ core }) => core.deleteNamespacedPersistentVolumeClaim({ name, namespace }),
        signal,
      )
    },
  }
  return fleet
}

function demandNoLater(former: V1Deployment | null, { epoch }: Owner): void {
  if (former !== null && Number(labelOf(former, LABEL.epoch)) > epoch) {
    throw new CatwalkError('unavailable', 'A later holder of the lease runs the server.')
  }
}

/** A Deployment scaled to zero; null where it is so, or another instance has taken the place. */
function asleep(former: V1Deployment | null, instanceId: string | null): V1Deployment | null {
  if (former?.spec === undefined || labelOf(former, LABEL.instance) !== instanceId) return null
  if (former.spec.replicas === 0) return null
  former.spec.replicas = 0
  return former
}

/** Whether its program has ended by itself, and will not do anything any more. */
function hasEnded(pod: V1Pod): boolean {
  return podState(pod).kind === 'gone' && pod.metadata?.deletionTimestamp === undefined
}

function labelOf({ metadata }: Pick<V1Deployment, 'metadata'>, label: string): string | null {
  return metadata?.labels?.[label] ?? null
}

function marksOf(metadata: V1Deployment['metadata']): readonly string[] {
  return (metadata?.annotations?.[INSTALLED] ?? '').split(' ').filter((mark) => mark !== '')
}

/** The end of the pod of an instance; null while there is one that has not ended. */
function endOf(pods: readonly V1Pod[]): PodEnd | null {
  const states = pods.map(podState)
  const ends = states.filter((state) => state.kind === 'gone')
  if (ends.length < states.length) return null
  return ends.find(({ reason }) => reason === 'out_of_memory') ?? ends[0] ?? { reason: 'exited', why: null }
}

/** Null when there is one of the name already. */
async function orExisting<T>(making: Promise<T>): Promise<T | null> {
  try {
    return await making
  } catch (error) {
    if (error instanceof KubernetesRefusal && error.status === 409) return null
    throw error
  }
}

/** Where a pod is reached; null for nowhere. */
function portOf(run: PodOrder['run']): number | null {
  return run.kind === 'image' ? run.port : INSTANCE_PORT
}

/** The uid of what a Deployment belongs to. */
function ownerOf({ metadata }: V1Deployment): string {
  return metadata?.ownerReferences?.[0]?.uid ?? ''
}

function comeBetween(): CatwalkError {
  return new CatwalkError('unavailable', 'Another start of the release has come between.')
}
