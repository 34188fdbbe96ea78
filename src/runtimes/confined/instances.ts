import { createBridge, type BridgeLimits, type Launch } from '../../bridge/index.ts'
import type { Instance, InstanceInput } from '../../domain/index.ts'

/** The instances that this program runs. */
export interface Instances {
  start(input: InstanceInput, launch: Launch, signal: AbortSignal): Promise<Instance>
  /** Stops the instances of the same release that an earlier holder of the lease started. */
  stopOlder(input: Pick<InstanceInput, 'deploymentId' | 'releaseId' | 'epoch'>): Promise<void>
  stopAll(deploymentId: string): Promise<void>
}

/** For what is stopped because it should not be there any more. */
const REMOVAL_GRACE_MS = 1_000

interface Running {
  readonly deploymentId: string
  readonly releaseId: string
  readonly epoch: number
  readonly instance: Instance
}

/** @param limits of bridges, where they are not to be their own */
export function createInstances(limits: Partial<BridgeLimits> = {}): Instances {
  const running = new Set<Running>()

  const stopWhere = async (matches: (candidate: Running) => boolean): Promise<void> => {
    await Promise.all([...running].filter(matches).map(({ instance }) => instance.stop(REMOVAL_GRACE_MS)))
  }

  return {
    start: async (input, launch, signal) => {
      const { deploymentId, releaseId, epoch, sealKey, sessions, processes, stateful, era, output, tools } =
        input
      const bridge = await createBridge(
        {
          launch,
          sealKey,
          deploymentId,
          output,
          limits,
          processes,
          stateful,
          memory: sessions,
          ...(era === null ? {} : { era }),
          ...(tools === undefined ? {} : { tools }),
        },
        signal,
      )
      const instance: Instance = {
        id: input.instanceId,
        endpoint: bridge,
        ended: bridge.ended,
        release: () => bridge.release(),
        forgetSessions: () => bridge.forgetSessions(),
        idleMs: () => bridge.idleMs(),
        check: async (wait) => bridge.check(wait),
        stop: async (graceMs) => bridge.stop(graceMs),
      }
      const entry = { deploymentId, releaseId, epoch, instance }
      running.add(entry)
      void bridge.ended.then(() => running.delete(entry))
      return instance
    },
    stopOlder: async ({ deploymentId, releaseId, epoch }) =>
      stopWhere(
        (candidate) =>
          candidate.deploymentId === deploymentId &&
          candidate.releaseId === releaseId &&
          candidate.epoch < epoch,
      ),
    stopAll: async (deploymentId) => stopWhere((candidate) => candidate.deploymentId === deploymentId),
  }
}
