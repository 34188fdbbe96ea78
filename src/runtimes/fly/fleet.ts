import { setTimeout as delay } from 'node:timers/promises'
import { CatwalkError, type Logger } from '../../domain/index.ts'
import { METADATA, volumeName, type FlyReach } from './machine-request.ts'
import {
  FlyRefusal,
  type CreateMachineRequest,
  type Machine,
  type MachinesApi,
  type Volume,
} from './machines-api.ts'

export interface FleetOptions {
  readonly api: MachinesApi
  readonly installation: string
  readonly organisation: string
  readonly reach: FlyReach
  readonly region: string | null
  readonly volumeGiB: number
  readonly logger: Logger
}

/** The machines and volumes of this installation in one app. */
export interface Fleet {
  readonly api: MachinesApi
  /** Makes the app when there is none. */
  ready(signal: AbortSignal): Promise<void>
  /**
   * Removes the machines of a release that an earlier holder of the lease started, and this one in an earlier attempt.
   * @throws CatwalkError `unavailable` when a later holder has started one
   */
  fence(
    of: { readonly deploymentId: string; readonly releaseId: string; readonly epoch: number },
    signal: AbortSignal,
  ): Promise<void>
  /** A volume with what the deployment has kept that no machine holds; null where there are none. */
  volumeFor(deploymentId: string, signal: AbortSignal): Promise<string | null>
  /** Makes a machine and waits until it runs. */
  make(request: CreateMachineRequest, signal: AbortSignal): Promise<Machine>
  /** Whether a machine runs no more, and will not by itself. */
  isGone(id: string, signal: AbortSignal): Promise<boolean>
  /** Ends a machine in its own time. What cannot be done now is done by the machine itself. Never throws. */
  remove(machine: Machine): Promise<void>
  /** Removes all machines and volumes of a deployment. */
  purge(deploymentId: string, signal: AbortSignal): Promise<void>
}

const LEASE_S = 30
/** How long a lease of somebody else is waited for. */
const LEASE_WAIT_MS = 45_000
const LEASE_POLL_MS = 500
const REMOVE_MS = 120_000
const STOP_S = 5
const WAIT_S = 60
const ENDED: ReadonlySet<string> = new Set(['stopped', 'destroying', 'destroyed', 'failed'])

export function createFleet(options: FleetOptions): Fleet {
  const { api, installation, organisation, reach, region, volumeGiB, logger } = options

  const machinesOf = async (deploymentId: string, signal: AbortSignal): Promise<readonly Machine[]> =>
    api.list({ [METADATA.installation]: installation, [METADATA.deployment]: deploymentId }, signal)

  /** Nobody else changes a machine while we end it. */
  async function takeLease(id: string, signal: AbortSignal): Promise<string | null> {
    const giveUpAt = performance.now() + LEASE_WAIT_MS
    for (;;) {
      try {
        return await api.lease(id, LEASE_S, 'catwalk: ending it', signal)
      } catch (error) {
        if (!(error instanceof FlyRefusal)) throw error
        // It is gone already.
        if (error.status === 404) return null
        if (error.status !== 409 || performance.now() > giveUpAt) throw error
      }
      await delay(LEASE_POLL_MS, undefined, { signal })
    }
  }

  async function end({ id, volume }: Machine, graceS: number, signal: AbortSignal): Promise<void> {
    const nonce = await takeLease(id, signal)
    if (nonce === null) return
    if (graceS > 0) {
      await api.stop(id, graceS, nonce, signal).catch((error: unknown) => {
        // It may have ended by itself, or not begun.
        if (!(error instanceof FlyRefusal)) throw error
      })
      await api.wait(id, 'stopped', graceS + 1, signal).catch(() => false)
    }
    await api.destroy(id, nonce, signal)
    await api.wait(id, 'destroyed', WAIT_S, signal)
    if (volume !== null) await dropSpare(volume, signal)
  }

  /**
   * There were two machines of the deployment, during a hand-over: the volume of the one that goes is not the one that is
   * kept. Where it was the last, its volume is what the deployment has.
   */
  async function dropSpare(id: string, signal: AbortSignal): Promise<void> {
    const all = await api.volumes(signal)
    const name = all.find((volume) => volume.id === id)?.name
    if (all.some((volume) => volume.name === name && volume.id !== id && volume.machineId !== null)) {
      await api.destroyVolume(id, signal)
    }
  }

  async function volumesOf(deploymentId: string, signal: AbortSignal): Promise<readonly Volume[]> {
    const name = volumeName(deploymentId)
    const all = await api.volumes(signal)
    const own = all.filter((volume) => volume.name === name && !/destroy/.test(volume.state))
    return own.toSorted((a, b) => b.createdAt.localeCompare(a.createdAt))
  }

  const fleet: Fleet = {
    api,
    async ready(signal) {
      if (await api.hasApp(signal)) return
      await api.createApp(organisation, reach === 'public' ? `${api.app}-network` : null, signal)
      if (reach === 'public') await api.assignAddress(signal)
      logger.info({ app: api.app }, 'made an app at Fly')
    },
    async fence({ deploymentId, releaseId, epoch }, signal) {
      for (const machine of await machinesOf(deploymentId, signal)) {
        const isOver = ENDED.has(machine.state)
        if (machine.metadata[METADATA.release] !== releaseId && !isOver) continue
        if (Number(machine.metadata[METADATA.epoch]) > epoch && !isOver) {
          throw new CatwalkError('unavailable', 'A later holder of the lease runs the server.')
        }
        await end(machine, isOver ? 0 : 1, signal)
      }
    },
    async volumeFor(deploymentId, signal) {
      if (volumeGiB === 0) return null
      const all = await volumesOf(deploymentId, signal)
      const latest = all.find((volume) => volume.machineId !== null) ?? all[0]
      if (latest !== undefined && latest.machineId === null) return latest.id
      // A volume is with one machine at a time: while the former release serves, the next one begins with a copy.
      const name = volumeName(deploymentId)
      return (await api.createVolume(name, volumeGiB, region, latest?.id ?? null, signal)).id
    },
    async make(request, signal) {
      const machine = await api.create(request, signal)
      try {
        const until = performance.now() + WAIT_S * 1_000
        while (!(await api.wait(machine.id, 'started', WAIT_S, signal))) {
          if (performance.now() > until || (await fleet.isGone(machine.id, signal))) {
            throw new CatwalkError('service_unreachable', 'The machine at Fly did not start.')
          }
        }
      } catch (error) {
        void fleet.remove(machine)
        throw error
      } finally {
        // It runs out by itself should this fail.
        if (machine.nonce !== null) {
          await api.release(machine.id, machine.nonce, AbortSignal.timeout(REMOVE_MS)).catch(() => undefined)
        }
      }
      return machine
    },
    async isGone(id, signal) {
      const machine = await api.get(id, signal)
      return machine === null || ENDED.has(machine.state)
    },
    async remove(machine) {
      try {
        await end(machine, STOP_S, AbortSignal.timeout(REMOVE_MS))
      } catch (error) {
        logger.warn(
          { machine: machine.id, err: error },
          'a machine at Fly could not be removed; it ends by itself',
        )
      }
    },
    async purge(deploymentId, signal) {
      for (const machine of await machinesOf(deploymentId, signal)) await end(machine, 1, signal)
      for (const volume of await volumesOf(deploymentId, signal)) await api.destroyVolume(volume.id, signal)
    },
  }
  return fleet
}
