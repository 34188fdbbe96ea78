import {
  anySignal,
  CatwalkError,
  orAborted,
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
import { createHttpClient } from '../../network/index.ts'
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
import { createFleet, heldUnder, type Fleet } from './fleet.ts'
import {
  fingerprint,
  guestFor,
  isPreparation,
  machineName,
  machineRequest,
  METADATA,
  monthlyCost,
  type FlyReach,
  type MachineOwner,
} from './machine-request.ts'
import {
  FlyRefusal,
  openMachinesApi,
  type FlyAccount,
  type Machine,
  type MachinesApi,
} from './machines-api.ts'

export interface FlyRuntimeOptions {
  /** Of the Machines API, without a slash at the end. */
  readonly apiUrl: string
  readonly userAgent: string
  /** Of a workspace; null when it has not given one. Asked each time, so that a change counts at once. */
  readonly accountOf: (workspaceId: string) => Promise<FlyAccount | null>
  readonly npm: (workspaceId: string) => Promise<PackageRun['npm']>
  readonly pypi: (workspaceId: string) => Promise<PackageRun['pypi']>
  /** What machines run: the image of deploy/image, in a registry that Fly can read. */
  readonly image: string
  /** Null: the one nearest to us. */
  readonly region: string | null
  readonly organisation: string
  readonly reach: FlyReach
  /** Address of Fly's proxy for an app. */
  readonly proxyUrl: (app: string) => URL
  /** 0: no volume, and nothing that a server writes is kept. */
  readonly volumeGiB: number
  /** Tells the machines of this installation from those of others in the same app. */
  readonly installation: string
  /** The secret of a machine, by its name and epoch. */
  readonly secretOf: (name: string) => Secret
  readonly installTimeoutMs: number
  /** For a machine to be made and to run. */
  readonly startTimeoutMs: number
  /** How long a request to the API is made again after failures that may pass. */
  readonly patienceMs: number
  readonly retryBaseMs: number
  readonly logger: Logger
}

/** Who is told what a machine says. */
type Told = Pick<InstanceInput, 'sessions' | 'tools'> & { readonly output: LineSink }

/** Runs servers in Fly Machines of the workspaces' own accounts. Nothing happens until it is first used. */
export function createFlyRuntime(options: FlyRuntimeOptions): Runtime {
  const { apiUrl } = options
  const http = createHttpClient({ trustedOrigins: [new URL(apiUrl).origin], userAgent: options.userAgent })
  const client = createEndpointClient({
    unreachable: { code: 'unavailable', message: 'The machine of the server cannot be reached right now.' },
  })
  const workspaces = new Map<string, string>()
  /** By the names of their machines: those that this program watches. */
  const watched = new Map<string, { readonly epoch: number; readonly instance: Instance }>()

  async function apiOf(workspaceId: string): Promise<MachinesApi | null> {
    const account = await options.accountOf(workspaceId)
    if (account === null) return null
    const { patienceMs, retryBaseMs } = options
    return openMachinesApi({ apiUrl, http, patienceMs, retryBaseMs }, account)
  }

  async function fleetOf(workspaceId: string, signal: AbortSignal): Promise<Fleet> {
    const api = await apiOf(workspaceId)
    if (api === null) throw noAccount()
    const fleet = fleetIn(api)
    await fleet.ready(signal)
    return fleet
  }

  function fleetIn(api: MachinesApi): Fleet {
    const { installation, organisation, reach, region, volumeGiB, logger } = options
    return createFleet({ api, installation, organisation, reach, region, volumeGiB, logger })
  }

  /** Where a machine answers, and what finds it there. */
  function wayTo({ app }: MachinesApi, machine: Machine) {
    if (options.reach === 'private') {
      const host = machine.privateIp.includes(':') ? `[${machine.privateIp}]` : machine.privateIp
      return { base: new URL(`http://${host}:${INSTANCE_PORT}`), headers: {} }
    }
    return { base: options.proxyUrl(app), headers: { 'fly-force-instance-id': machine.id } }
  }

  function open(
    fleet: Fleet,
    machine: Machine,
    secret: Secret,
    document: InstanceDocument,
    { output, sessions, tools }: Told,
  ): FarInstance {
    const { base, headers } = wayTo(fleet.api, machine)
    const rest = {
      suspend: async () => fleet.suspend(machine),
      leave: async () => fleet.leave(machine),
    }
    return openInstance({
      id: document.instanceId,
      endpoint: client.connect(base, secret, headers),
      output,
      sessions,
      tools,
      whyEnded: async (limit) => ((await fleet.isGone(machine.id, limit)) ? 'exited' : null),
      ...(isPreparation(document) ? {} : { rest }),
      end: async () => fleet.remove(machine),
    })
  }

  async function launch(
    fleet: Fleet,
    owner: MachineOwner,
    document: InstanceDocument,
    volume: string | null,
    told: Told,
    signal: AbortSignal,
  ): Promise<FarInstance> {
    const { image, region, reach, installation } = options
    const secret = options.secretOf(`${machineName(owner)}/${owner.epoch}`)
    const plan = { image, region, reach, installation, volume, secret, document }
    const machine = await fleet.make(machineRequest(plan, owner), signal)
    return open(fleet, machine, secret, document, told)
  }

  /** Goes on with a machine that sleeps; null, and it is removed, where that comes to nothing. */
  async function wakeUp(
    fleet: Fleet,
    sleeping: Machine,
    epoch: number,
    document: InstanceDocument,
    told: Told,
    signal: AbortSignal,
  ): Promise<Instance | null> {
    const limit = anySignal([signal, AbortSignal.timeout(WAKE_MS)])
    try {
      const machine = await fleet.resume(sleeping, epoch, limit)
      if (machine !== null) {
        const secret = options.secretOf(`${machine.name}/${machine.metadata[METADATA.made] ?? ''}`)
        const instance = await whenStarted(open(fleet, machine, secret, document, told), limit)
        told.output('system', 'The machine that slept goes on.')
        return instance
      }
    } catch (error) {
      signal.throwIfAborted()
      options.logger.info({ machine: sleeping.id, err: error }, 'a machine at Fly did not wake')
    }
    await fleet.remove(heldUnder(epoch, sleeping))
    return null
  }

  async function startAnew(
    fleet: Fleet,
    owner: MachineOwner,
    document: InstanceDocument,
    told: Told,
    limit: AbortSignal,
  ): Promise<Instance> {
    const volume = await fleet.volumeFor(owner.deploymentId, limit)
    const far = await launch(fleet, owner, document, volume, told, limit)
    told.output('system', costOf(owner.memoryMiB, options.volumeGiB))
    return whenStarted(far, limit)
  }

  async function start(input: InstanceInput, signal: AbortSignal): Promise<Instance> {
    signal.throwIfAborted()
    mustBeForImage(input.spec)
    const { workspaceId, deploymentId, releaseId, epoch, settings } = input
    workspaces.set(deploymentId, workspaceId)
    const limit = anySignal([signal, AbortSignal.timeout(options.startTimeoutMs)])
    try {
      const fleet = await fleetOf(workspaceId, limit)
      const owner = { deploymentId, releaseId, epoch, memoryMiB: settings.memoryMiB }
      const name = machineName(owner)
      const former = watched.get(name)
      if (former !== undefined && former.epoch <= epoch) await former.instance.stop(REMOVAL_GRACE_MS)
      const registries = { npm: await options.npm(workspaceId), pypi: await options.pypi(workspaceId) }
      const document = instanceDocument(input, registries)
      const print = fingerprint({ ...options, document }, settings.memoryMiB)
      const sleeping = await fleet.fence(owner, print, limit)
      const awake = sleeping === null ? null : await wakeUp(fleet, sleeping, epoch, document, input, limit)
      const instance = awake ?? (await startAnew(fleet, owner, document, input, limit))
      const entry = { epoch, instance }
      watched.set(name, entry)
      void instance.ended.then(() => watched.get(name) === entry && watched.delete(name))
      return instance
    } catch (error) {
      signal.throwIfAborted()
      if (limit.aborted) {
        const seconds = Math.round(options.startTimeoutMs / 1_000)
        throw new CatwalkError('service_unreachable', `Fly had no machine running within ${seconds} s.`, {
          cause: error,
        })
      }
      throw explained(error)
    }
  }

  async function prepare(input: PrepareInput, signal: AbortSignal): Promise<Prepared> {
    signal.throwIfAborted()
    mustBeForImage(input.spec)
    const { workspaceId, deploymentId, lockFile, output } = input
    // A lock file says it all: machines install from it as they start.
    if (lockFile !== null) return { lockFile, packages: countLocked(lockFile), fromStore: true }
    const limit = anySignal([signal, AbortSignal.timeout(options.installTimeoutMs)])
    try {
      const fleet = await fleetOf(workspaceId, limit)
      const owner = { deploymentId, releaseId: 'rel_prepare', epoch: 0, memoryMiB: INSTALL_MIB }
      await fleet.fence({ ...owner, epoch: Infinity }, '', limit)
      const registries = { npm: await options.npm(workspaceId), pypi: await options.pypi(workspaceId) }
      const document = preparationDocument(input, registries)
      const far = await launch(fleet, owner, document, null, { output, sessions: NO_SESSIONS }, limit)
      try {
        return await orAborted(far.prepared, limit)
      } finally {
        await far.instance.stop(0)
      }
    } catch (error) {
      signal.throwIfAborted()
      if (limit.aborted) {
        const seconds = Math.round(options.installTimeoutMs / 1_000)
        throw new CatwalkError('install_timeout', `The installation was not done after ${seconds} seconds.`, {
          cause: error,
        })
      }
      throw explained(error)
    }
  }

  return {
    kind: 'fly',
    // A machine has a network of its own; nothing of ours is between it and the internet.
    supports: {
      packages: IMAGE_PACKAGES,
      networkPolicies: ['internet'],
      memoryLimit: true,
      serverLogs: true,
      suspend: true,
      survivesRestart: false,
    },
    status: async (signal) => apiStatus(options, signal),
    admit: async (workspaceId) => {
      if ((await options.accountOf(workspaceId)) === null) throw noAccount()
    },
    prepare,
    start,
    tryOut: async () => {
      throw new CatwalkError('sandbox_unavailable', 'Servers are tried on this machine only, not on Fly.')
    },
    discard: async (deploymentId, workspaceId, signal) => {
      const api = await apiOf(workspaceId)
      if (api !== null) await fleetIn(api).discard(deploymentId, signal)
    },
    purge: async (deploymentId, signal, workspaceId = workspaces.get(deploymentId)) => {
      const api = workspaceId === undefined ? null : await apiOf(workspaceId)
      if (api === null) return
      await fleetIn(api).purge(deploymentId, signal)
      workspaces.delete(deploymentId)
    },
  }

  async function apiStatus(
    { image, region, reach }: FlyRuntimeOptions,
    signal: AbortSignal,
  ): Promise<RuntimeStatus> {
    try {
      const limit = anySignal([signal, AbortSignal.timeout(STATUS_MS)])
      const answer = await http.request(new URL(`${apiUrl}/v1/apps`), { signal: limit, timeoutMs: STATUS_MS })
      // Without a token it refuses, which shows that it is there.
      answer.body.destroy()
      const where = region ?? 'the nearest region'
      return {
        ok: true,
        detail: `Fly Machines of each workspace's own account, in ${where}, ${reach}, image ${image}`,
      }
    } catch (error) {
      signal.throwIfAborted()
      const reason = error instanceof Error ? error.message : String(error)
      return {
        ok: false,
        reason: `Fly's API does not answer: ${reason}`,
        fix: 'See whether this machine reaches it, and look at https://status.flyio.net.',
      }
    }
  }
}

const STATUS_MS = 5_000
/** For a machine that slept to answer; it may have to boot. */
const WAKE_MS = 45_000
/** For what is stopped because a newer one takes its place. */
const REMOVAL_GRACE_MS = 1_000
/** npm and pip need it, whatever the server needs. */
const INSTALL_MIB = 896
function costOf(memoryMiB: number, volumeGiB: number): string {
  const guest = guestFor(memoryMiB)
  const { dollars, days } = monthlyCost(guest, volumeGiB)
  return `A Fly Machine with ${guest.cpus} shared CPU and ${guest.memory_mb} MiB: about $${dollars.toFixed(2)} for ${days} days if it never sleeps.`
}

function noAccount(): CatwalkError {
  return new CatwalkError(
    'runtime_unavailable',
    'The workspace has no account at Fly: FLY_API_TOKEN and FLY_APP.',
    {
      help: 'Give both in the settings of the workspace, or with: bin/catwalk workspace set FLY_API_TOKEN=- FLY_APP=NAME',
      details: { field: 'runtime' },
    },
  )
}

/** What people can do about what Fly says. */
function explained(error: unknown): unknown {
  if (!(error instanceof FlyRefusal)) return error
  const { status, message } = error
  if (status === 401 || status === 403) {
    return new CatwalkError(
      'service_key_refused',
      `Fly does not take the token of the workspace: ${message}`,
      {
        cause: error,
      },
    )
  }
  return new CatwalkError('service_unreachable', `Fly answers with ${status}: ${message}`, { cause: error })
}
