import {
  CatwalkError,
  imageReference,
  packageLabel,
  type Instance,
  type InstanceInput,
  type Prepared,
  type PrepareInput,
} from '../../domain/index.ts'
import { createInstances, createLaunch, overHttp, serverCommand } from '../confined/index.ts'
import { connectAtAddress } from '../remote/index.ts'
import type { Fleet } from './fleet.ts'
import { createImagePods } from './image-confinement.ts'
import type { Owner } from './names.ts'
import type { PodNetwork } from './network-policy.ts'

export interface ImageInstances {
  /** Says where the image will come from. Nothing is fetched before a pod starts. */
  prepare(input: PrepareInput, signal: AbortSignal): Promise<Prepared>
  /**
   * Starts a release whose launch spec is an image. Its bridge runs in this program.
   * @throws CatwalkError `install_failed`, `runtime_unavailable`, `server_silent`, `unavailable`
   */
  start(input: InstanceInput, owner: Owner, network: PodNetwork, signal: AbortSignal): Promise<Instance>
  stopAll(deploymentId: string): Promise<void>
}

export interface ImageInstanceOptions {
  readonly startTimeoutMs: number
  readonly maxMessageBytes?: number
}

const MESSAGE_BYTES = 64 * 1024 * 1024

export function createImageInstances(
  { startTimeoutMs, maxMessageBytes = MESSAGE_BYTES }: ImageInstanceOptions,
  openFleet: () => Promise<Fleet>,
): ImageInstances {
  const instances = createInstances({ maxMessageBytes })
  return {
    async prepare({ spec, output }, signal) {
      signal.throwIfAborted()
      await demandCallers(spec)
      output('system', `The cluster fetches ${imageReference(packageOf(spec))} when a pod starts.`)
      return { lockFile: '', packages: 1, fromStore: true }
    },
    async start(input, owner, network, signal) {
      const { spec, settings, output } = input
      const { memoryMiB } = settings
      const { program, ...named } = packageOf(spec)
      await demandCallers(spec)
      const fleet = await openFleet()
      const running = createImagePods({ fleet, owner, memoryMiB, network, startTimeoutMs, output })
      const startable = { installation: null, program, image: imageReference({ program, ...named }) }
      const launch = createLaunch(
        running,
        (count) => serverCommand(input, startable, { home: '' }, { identity: null, internet: null }, count),
        output,
        undefined,
        overHttp(
          spec,
          (address, path, sink) => connectAtAddress({ address, path, maxMessageBytes, output: sink }),
          output,
        ),
      )
      output('system', `A pod of ${packageLabel(spec.package)} that requests ${memoryMiB} MiB and 0.1 CPU.`)
      const instance = await instances.start(input, launch, signal)
      return {
        ...instance,
        async stop(graceMs) {
          await instance.stop(graceMs)
          await running.settled()
        },
      }
    },
    stopAll: async (deploymentId) => instances.stopAll(deploymentId),
  }

  /** @throws CatwalkError `runtime_unavailable` where everybody in the cluster could call a server that knows nobody */
  async function demandCallers({ transport }: InstanceInput['spec']): Promise<void> {
    if (transport.kind !== 'port' || (await openFleet()).callers !== null) return
    throw new CatwalkError(
      'runtime_unavailable',
      'Anybody in the cluster could call this server at its port, because it is not known where Catwalk calls from.',
      {
        help: 'Run Catwalk in the cluster (deploy/kubernetes), or set CATWALK_KUBERNETES_CALLERS to the addresses that its calls come from.',
      },
    )
  }
}

function packageOf({ package: pkg }: InstanceInput['spec']) {
  if (pkg.kind === 'oci') return pkg
  throw new CatwalkError('runtime_unavailable', 'This is no image.')
}
