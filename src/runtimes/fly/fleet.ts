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
   * Removes the machines of a release that an earlier holder of the lease started, and this one in an earlier attempt, and
   * what sleeps of other releases.
   * @param print of what is to run
   * @returns one that sleeps and can go on with it
   * @throws CatwalkError `unavailable` when a later holder has started one
   */
  fence(
    of: { readonly deploymentId: string; readonly releaseId: string; readonly epoch: number },
    print: string,
    signal: AbortSignal,
  ): Promise<Machine | null>
  /**
   * Has a machine that sleeps run again, for this holder of the lease.
   * @returns null when there is nothing to go on with
   */
  resume(machine: Machine, epoch: number, signal: AbortSignal): Promise<Machine | null>
  /** A volume with what the deployment has kept that no machine holds; null where there are none. */
  volumeFor(deploymentId: string, signal: AbortSignal): Promise<string | null>
  /** Makes a machine and waits until it runs. */
  make(request: CreateMachineRequest, signal: AbortSignal): Promise<Machine>
  /** Whether a machine runs no more, and will not by itself. */
  isGone(id: string, signal: AbortSignal): Promise<boolean>
  /** Suspends a machine with what is in its memory; false when Fly does not. Never throws. */
  suspend(machine: Machine): Promise<boolean>
  /** Stops a machine, so that it can be started again. Never throws. */
  leave(machine: Machine): Promise<void>
  /** Removes what sleeps of a deployment. */
  discard(deploymentId: string, signal: AbortSignal): Promise<void>
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
/** Beyond this Fly advises against it (reference/suspend-resume). */
const MOST_SUSPENDED_MIB = 2_048
/** To suspend a machine, or have it go on; within the lease. */
const SUSPEND_S = 20
const RESTING: ReadonlySet<string> = new Set(['suspending', 'suspended', 'stopping', 'stopped'])
const ENDED: ReadonlySet<string> = new Set(['suspended', 'stopped', 'destroying', 'destroyed', 'failed'])

export function createFleet(options: FleetOptions): Fleet {
  const { api, installation, organisation, reach, region, volumeGiB, logger } = options

  const machinesOf = async (deploymentId: string, signal: AbortSignal): Promise<readonly Machine[]> =>
    api.list({ [METADATA.installation]: installation, [METADATA.deployment]: deploymentId }, signal)

  /** Nobody else changes a machine while we do. */
  async function takeLease(id: string, signal: AbortSignal): Promise<string | null> {
    const giveUpAt = performance.now() + LEASE_WAIT_MS
    for (;;) {
      try {
        return await api.lease(id, LEASE_S, 'catwalk', signal)
      } catch (error) {
        if (!(error instanceof FlyRefusal)) throw error
        // It is gone already.
        if (error.status === 404) return null
        if (error.status !== 409 || performance.now() > giveUpAt) throw error
      }
      await delay(LEASE_POLL_MS, undefined, { signal })
    }
  }

  /** Null: it is gone, or a later holder has it by now. */
  async function underLease<T>(
    machine: Machine,
    signal: AbortSignal,
    act: (nonce: string, current: Machine) => Promise<T>,
  ): Promise<T | null> {
    const { id } = machine
    const nonce = await takeLease(id, signal)
    if (nonce === null) return null
    try {
      const current = await api.get(id, signal)
      if (current === null || epochOf(current) > epochOf(machine)) return null
      return await act(nonce, current)
    } finally {
      // It runs out by itself should this fail.
      await api.release(id, nonce, AbortSignal.timeout(REMOVE_MS)).catch(() => undefined)
    }
  }

  async function stop({ id }: Machine, graceS: number, nonce: string, signal: AbortSignal): Promise<boolean> {
    await api.stop(id, graceS, nonce, signal).catch((error: unknown) => {
      // It may have ended by itself, or not begun.
      if (!(error instanceof FlyRefusal)) throw error
    })
    return api.wait(id, 'stopped', graceS + 1, signal).catch(() => false)
  }

  async function destroy({ id, volume }: Machine, nonce: string, signal: AbortSignal): Promise<void> {
    await api.destroy(id, nonce, signal)
    await api.wait(id, 'destroyed', WAIT_S, signal)
    if (volume !== null) await dropSpare(volume, signal)
  }

  async function end(machine: Machine, graceS: number, signal: AbortSignal): Promise<void> {
    await underLease(machine, signal, async (nonce) => {
      if (graceS > 0) await stop(machine, graceS, nonce, signal)
      await destroy(machine, nonce, signal)
    })
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
    async fence({ deploymentId, releaseId, epoch }, print, signal) {
      let sleeping: Machine | null = null
      for (const machine of await machinesOf(deploymentId, signal)) {
        const { metadata, state } = machine
        const isOver = ENDED.has(state)
        const isOurs = metadata[METADATA.release] === releaseId
        if (!isOurs && !isOver) continue
        if (isOurs && epochOf(machine) > epoch && (!isOver || RESTING.has(state))) {
          throw new CatwalkError('unavailable', 'A later holder of the lease runs the server.')
        }
        if (isOurs && RESTING.has(state) && metadata[METADATA.print] === print) sleeping = machine
        else await end(machine, isOver ? 0 : 1, signal)
      }
      return sleeping
    },
    async resume(machine, epoch, signal) {
      const { id } = machine
      return underLease(machine, signal, async (nonce, { state }) => {
        if (!RESTING.has(state)) return null
        if (state === 'suspending') await api.wait(id, 'suspended', SUSPEND_S, signal)
        await api.start(id, nonce, signal).catch((error: unknown) => {
          // Asked twice, because the first answer got lost: then it starts all the same.
          if (!(error instanceof FlyRefusal)) throw error
        })
        if (!(await api.wait(id, 'started', SUSPEND_S, signal))) return null
        await api.setMetadata(id, METADATA.epoch, String(epoch), nonce, signal)
        return heldUnder(epoch, machine)
      })
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
    async suspend(machine) {
      if (machine.memoryMiB > MOST_SUSPENDED_MIB) return false
      const signal = AbortSignal.timeout(REMOVE_MS)
      try {
        const isSuspended = await underLease(machine, signal, async (nonce) => {
          await api.suspend(machine.id, nonce, signal).catch(async (refusal: unknown) => {
            // Asked twice, because the first answer got lost.
            const now = refusal instanceof FlyRefusal ? await api.get(machine.id, signal) : null
            if (now === null || !now.state.startsWith('suspend')) throw refusal
          })
          return api.wait(machine.id, 'suspended', SUSPEND_S, signal)
        })
        // Gone, or somebody else's: there is nothing left for us to end.
        return isSuspended ?? true
      } catch (error) {
        logger.info({ machine: machine.id, err: error }, 'a machine at Fly is stopped, not suspended')
        return false
      }
    },
    async leave(machine) {
      const signal = AbortSignal.timeout(REMOVE_MS)
      try {
        await underLease(machine, signal, async (nonce, { state }) => {
          if (!RESTING.has(state) && !(await stop(machine, STOP_S, nonce, signal)))
            await destroy(machine, nonce, signal)
        })
      } catch (error) {
        logger.warn(
          { machine: machine.id, err: error },
          'a machine at Fly could not be stopped; it ends by itself',
        )
      }
    },
    async discard(deploymentId, signal) {
      for (const machine of await machinesOf(deploymentId, signal))
        if (RESTING.has(machine.state)) await end(machine, 0, signal)
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

/** A machine as its holder of that epoch knows it. */
export function heldUnder(epoch: number, machine: Machine): Machine {
  return { ...machine, metadata: { ...machine.metadata, [METADATA.epoch]: String(epoch) } }
}

function epochOf({ metadata }: Machine): number {
  return Number(metadata[METADATA.epoch])
}
