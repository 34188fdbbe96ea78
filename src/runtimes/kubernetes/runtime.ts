import { createHash } from 'node:crypto'
import {
  anySignal,
  CatwalkError,
  orAborted,
  POD_BRIDGE_MIB,
  type Instance,
  type InstanceInput,
  type LineSink,
  type Logger,
  type Prepared,
  type PrepareInput,
  type Runtime,
  type RuntimeStatus,
  type Secret,
} from '../../domain/index.ts'
import { createEndpointClient } from '../../forwarding/index.ts'
import {
  IMAGE_PACKAGES,
  mustBeForImage,
  countLocked,
  INSTANCE_PORT,
  instanceDocument,
  NO_SESSIONS,
  openInstance,
  preparationDocument,
  whenStarted,
  type FarInstance,
  type InstanceDocument,
  type PackageRun,
} from '../elsewhere/index.ts'
import { openCluster, type Cluster, type ClusterOptions } from './cluster.ts'
import { explained } from './explained.ts'
import { createFleet, type Fleet, type PodEnd, type PodOrder } from './fleet.ts'
import { createImageInstances } from './image-instances.ts'
import type { PodSettings } from './manifests.ts'
import { LABEL, PREPARATION, releaseName, selectorOf, type Owner } from './names.ts'
import type { PodNetwork } from './network-policy.ts'
import { missingPermissions } from './permissions.ts'
import { createPodWatch } from './pod-watch.ts'

export interface KubernetesRuntimeOptions {
  readonly cluster: ClusterOptions
  readonly pods: PodSettings
  readonly npm: (workspaceId: string) => Promise<PackageRun['npm']>
  readonly pypi: (workspaceId: string) => Promise<PackageRun['pypi']>
  /** Tells the objects of this installation from those of others in the same namespace. */
  readonly installation: string
  /** The secret of an instance's pod, by its id. */
  readonly secretOf: (instanceId: string) => Secret
  readonly installTimeoutMs: number
  /** For a pod to be scheduled, to install and to run. */
  readonly startTimeoutMs: number
  /** Of one MCP message of a server in an image of its own, in either direction. */
  readonly maxMessageBytes?: number
  readonly logger: Logger
}

/** For what is stopped because a newer one takes its place. */
const REMOVAL_GRACE_MS = 1_000
const STATUS_MS = 10_000
/** npm and pip need it, whatever the server needs. */
const INSTALL_MIB = 896
/** What a Secret of Kubernetes holds, less a little for the rest of it. */
const MOST_DOCUMENT_BYTES = 1_000_000

/** Runs servers in pods of a cluster. Nothing happens until it is first used. */
export function createKubernetesRuntime(options: KubernetesRuntimeOptions): Runtime {
  const { pods, installation, logger } = options
  const client = createEndpointClient({
    unreachable: { code: 'unavailable', message: 'The pod of the server cannot be reached right now.' },
  })
  let opened: Promise<Cluster> | null = null
  /** By the names of their releases: those that this program watches. */
  const watched = new Map<string, { readonly epoch: number; readonly instance: Instance }>()

  async function open(): Promise<Cluster> {
    const opening = (opened ??= openCluster(options.cluster))
    opening.catch(() => {
      if (opened === opening) opened = null
    })
    return opening
  }

  const watch = createPodWatch({
    open,
    labelSelector: selectorOf({ [LABEL.installation]: installation }),
    logger,
  })

  const images = createImageInstances(options, async () => openFleet())

  const openFleet = async (): Promise<Fleet> =>
    createFleet({ cluster: await open(), watch, settings: pods, installation, logger })

  async function launch(
    fleet: Fleet,
    owner: Owner,
    memoryMiB: number,
    network: PodNetwork,
    document: InstanceDocument,
    told: Pick<InstanceInput, 'sessions' | 'tools'> & { readonly output: LineSink },
    signal: AbortSignal,
  ): Promise<FarInstance> {
    const secret = options.secretOf(owner.instanceId)
    const text = JSON.stringify(document)
    if (Buffer.byteLength(text) > MOST_DOCUMENT_BYTES) {
      throw new CatwalkError(
        'install_failed',
        'Lock file and credentials are more than a Secret holds (1 MiB).',
      )
    }
    const order: PodOrder = { owner, memoryMiB, network, run: { kind: 'bridge', secret, document: text } }
    const pod = await fleet.start(order, signal).catch((error: unknown) => {
      void fleet.rest(owner)
      throw error
    })
    if (pod.host === null) throw new Error('a pod of our image has an address')
    const over = new AbortController()
    let lines = 0
    const output: LineSink = (stream, line) => {
      lines++
      told.output(stream, line)
    }
    let isTold = false
    async function tellEnd({ reason, why }: PodEnd): Promise<Pick<PodEnd, 'reason'>> {
      if (isTold) return { reason }
      isTold = true
      if (why !== null) told.output('system', `Kubernetes has ended the pod: ${why}`)
      // It never spoke to us, so its own log has the reason.
      const last = lines > 0 ? [] : await fleet.lastLines(pod.name, AbortSignal.timeout(STATUS_MS))
      for (const line of last) told.output('stderr', line)
      return { reason }
    }
    return openInstance({
      id: document.instanceId,
      endpoint: client.connect(new URL(`http://${pod.host}:${INSTANCE_PORT}`), secret),
      output,
      sessions: told.sessions,
      tools: told.tools,
      whyEnded: async (limit) => {
        const end = await fleet.endOf(owner, limit)
        return end === null ? null : (await tellEnd(end)).reason
      },
      gone: fleet.untilEnded(owner, over.signal).then(tellEnd),
      async end() {
        over.abort()
        await fleet.rest(owner)
      },
    })
  }

  async function start(input: InstanceInput, signal: AbortSignal): Promise<Instance> {
    signal.throwIfAborted()
    const isImage = input.spec.package.kind === 'oci'
    if (!isImage) mustBeForImage(input.spec)
    const { workspaceId, deploymentId, releaseId, instanceId, epoch, settings } = input
    const limit = anySignal([signal, AbortSignal.timeout(options.startTimeoutMs)])
    const owner = { installation, workspaceId, deploymentId, releaseId, instanceId, epoch }
    const name = releaseName(owner)
    try {
      const fleet = await openFleet()
      const former = watched.get(name)
      if (former !== undefined && former.epoch <= epoch) await former.instance.stop(REMOVAL_GRACE_MS)
      const network = podNetwork(settings.network)
      const instance = isImage
        ? await images.start(input, owner, network, limit)
        : await startPackage(fleet, owner, network, input, limit)
      const entry = { epoch, instance }
      watched.set(name, entry)
      void instance.ended.then(() => watched.get(name) === entry && watched.delete(name))
      return instance
    } catch (error) {
      signal.throwIfAborted()
      if (limit.aborted && !(error instanceof CatwalkError)) {
        const seconds = Math.round(options.startTimeoutMs / 1_000)
        throw new CatwalkError('unavailable', `Kubernetes had no pod running within ${seconds} s.`, {
          cause: error,
        })
      }
      throw explained(error)
    }
  }

  /** Starts a pod of our own image, in which the bridge runs too. */
  async function startPackage(
    fleet: Fleet,
    owner: Owner,
    network: PodNetwork,
    input: InstanceInput,
    limit: AbortSignal,
  ): Promise<Instance> {
    const { workspaceId, deploymentId, output } = input
    const { memoryMiB } = input.settings
    const registries = { npm: await options.npm(workspaceId), pypi: await options.pypi(workspaceId) }
    const document = instanceDocument(input, registries)
    const far = await launch(fleet, owner, memoryMiB, network, document, input, limit)
    output('system', `A pod that requests ${memoryMiB + POD_BRIDGE_MIB} MiB and 0.1 CPU.`)
    const instance = await whenStarted(far, limit).catch(async (error: unknown) => {
      // The volume has lost it: the next preparation installs it again.
      if (error instanceof CatwalkError && error.code === 'install_failed' && pods.volumeGiB > 0)
        await fleet.noteInstalled(deploymentId, markOf(input), false, AbortSignal.timeout(STATUS_MS))
      throw error
    })
    void fleet.forgetSecret(owner)
    return instance
  }

  /** What an installation on a volume is known by. */
  function markOf({ lockFile, settings }: { lockFile: string; settings: InstanceInput['settings'] }): string {
    const hash = createHash('sha256')
    hash.update(JSON.stringify([lockFile, settings.allowScripts, pods.image]))
    return hash.digest('hex').slice(0, 16)
  }

  async function prepare(input: PrepareInput, signal: AbortSignal): Promise<Prepared> {
    signal.throwIfAborted()
    if (input.spec.package.kind === 'oci') return images.prepare(input, signal)
    mustBeForImage(input.spec)
    const { workspaceId, deploymentId, settings, lockFile, output } = input
    const limit = anySignal([signal, AbortSignal.timeout(options.installTimeoutMs)])
    // A lock file says it all: pods install from it as they start, where they may reach a registry.
    if (lockFile !== null && settings.network !== 'none') return installed(lockFile)
    try {
      const fleet = await openFleet()
      if (lockFile !== null) {
        const mark = markOf({ lockFile, settings })
        if (await fleet.hasInstalled(deploymentId, mark, limit)) return installed(lockFile)
      }
      const registries = { npm: await options.npm(workspaceId), pypi: await options.pypi(workspaceId) }
      const document = preparationDocument(input, registries)
      const { instanceId } = document
      const owner = {
        installation,
        workspaceId,
        deploymentId,
        releaseId: PREPARATION,
        instanceId,
        epoch: 0,
      }
      try {
        const told = { output, sessions: NO_SESSIONS }
        const far = await launch(fleet, owner, INSTALL_MIB, 'internet', document, told, limit)
        try {
          const prepared = await orAborted(far.prepared, limit)
          if (pods.volumeGiB > 0) {
            const mark = markOf({ lockFile: prepared.lockFile, settings })
            await fleet.noteInstalled(deploymentId, mark, true, limit)
          }
          return prepared
        } finally {
          await far.instance.stop(0)
        }
      } finally {
        await fleet.remove(owner, AbortSignal.timeout(STATUS_MS)).catch((error: unknown) => {
          logger.warn({ deployment: deploymentId, err: error }, 'a preparation at Kubernetes is still there')
        })
      }
    } catch (error) {
      signal.throwIfAborted()
      if (limit.aborted && !(error instanceof CatwalkError)) {
        const seconds = Math.round(options.installTimeoutMs / 1_000)
        throw new CatwalkError('install_timeout', `The installation was not done after ${seconds} seconds.`, {
          cause: error,
        })
      }
      throw explained(error)
    }
  }

  async function status(signal: AbortSignal): Promise<RuntimeStatus> {
    const limit = anySignal([signal, AbortSignal.timeout(STATUS_MS)])
    try {
      const cluster = await open()
      const { namespace, server } = cluster
      const missing = await missingPermissions(cluster, limit)
      if (missing.length > 0) {
        return {
          ok: false,
          reason: `Kubernetes does not let Catwalk do this in the namespace ${namespace}: ${missing.join(', ')}`,
          fix: 'Give its service account the Role of deploy/kubernetes/servers.yaml: kubectl apply -f deploy/kubernetes/servers.yaml',
        }
      }
      const kept = pods.volumeGiB === 0 ? 'nothing kept' : `${pods.volumeGiB} GiB each`
      return {
        ok: true,
        detail: `pods in the namespace ${namespace} at ${server}, ${kept}, image ${pods.image}`,
      }
    } catch (error) {
      signal.throwIfAborted()
      const told = explained(error)
      return {
        ok: false,
        reason: `Kubernetes cannot be used: ${told instanceof Error ? told.message : String(told)}`,
        fix:
          told instanceof CatwalkError && told.code === 'runtime_unavailable'
            ? told.help
            : 'See whether this machine reaches its API server: kubectl get --raw /readyz',
      }
    }
  }

  return {
    kind: 'kubernetes',
    supports: {
      packages: [...IMAGE_PACKAGES, 'oci'],
      // A NetworkPolicy knows addresses and no names. Without a network nothing can be installed as a pod starts, so the
      // volume must have it.
      networkPolicies: pods.volumeGiB > 0 ? ['none', 'internet'] : ['internet'],
      memoryLimit: true,
      serverLogs: true,
      suspend: false,
      survivesRestart: false,
    },
    status,
    prepare,
    start,
    tryOut: async () => {
      throw new CatwalkError(
        'sandbox_unavailable',
        'Servers are tried on this machine only, not on Kubernetes.',
      )
    },
    async purge(deploymentId, signal) {
      await images.stopAll(deploymentId)
      await (await openFleet()).purge(deploymentId, signal)
    },
  }
}

function installed(lockFile: string): Prepared {
  return { lockFile, packages: countLocked(lockFile), fromStore: true }
}

/** What was asked for was looked at before: a runtime is not given what it does not support. */
function podNetwork(network: InstanceInput['settings']['network']): PodNetwork {
  if (network === 'none' || network === 'internet') return network
  throw new CatwalkError('runtime_unavailable', 'Kubernetes cannot hold a server to listed hosts.', {
    help: 'Choose the network none or internet, or another runtime.',
  })
}
