import { hash } from 'node:crypto'
import type { InstanceInput, Secret } from '../../domain/index.ts'
import { IMAGE_VARIABLES, INSTANCE_PORT, type InstanceDocument } from '../elsewhere/index.ts'
import type { CreateMachineRequest, MachineGuest } from './machines-api.ts'

/** How machines are reached: by their address in the private network (6PN), or through Fly's proxy. */
export type FlyReach = 'private' | 'public'

/** Metadata of what we make, by which it is found again. */
export const METADATA = {
  installation: 'catwalk_installation',
  deployment: 'catwalk_deployment',
  release: 'catwalk_release',
  epoch: 'catwalk_epoch',
  /** Under which it was made, for its secret. */
  made: 'catwalk_made',
  /** What it was made of, see {@link fingerprint}. */
  print: 'catwalk_print',
} as const

/** Seconds for which a fresh machine is ours alone. */
const LEASE_S = 60
/** What the bridge takes in the machine; it is not the server's. */
const BRIDGE_MIB = 128
const STEP_MIB = 256
/** More than this needs more processors (shared-cpu-1x has at most 2 GiB). */
const MIB_OF_ONE_CPU = 2_048
const DOCUMENT = '/run/catwalk/instance.json'
/** Holds the server's home and the packages. */
const VOLUME_PATH = '/home'

export interface MachinePlan {
  readonly image: string
  readonly region: string | null
  readonly reach: FlyReach
  readonly installation: string
  readonly volume: string | null
  readonly secret: Secret
  readonly document: InstanceDocument
}

/** Who it is for; a preparation is of no release yet. */
export type MachineOwner = Pick<InstanceInput, 'deploymentId' | 'epoch'> & {
  readonly releaseId: string
  readonly memoryMiB: number
}

/** The same for the same release, so that there is one machine of it at most. */
export function machineName({
  deploymentId,
  releaseId,
}: Pick<MachineOwner, 'deploymentId' | 'releaseId'>): string {
  return `cw-${bare(deploymentId)}-${bare(releaseId)}`
}

/** Volumes may have letters, digits and underscores in their names, 30 at most. */
export function volumeName(deploymentId: string): string {
  return `cw_${bare(deploymentId)}`
}

function bare(id: string): string {
  return id.slice(id.indexOf('_') + 1)
}

/** The smallest machine that holds the server and the bridge. */
export function guestFor(memoryMiB: number): MachineGuest {
  const needed = Math.ceil((memoryMiB + BRIDGE_MIB) / STEP_MIB) * STEP_MIB
  const cpus = [1, 2, 4, 8].find((count) => needed <= count * MIB_OF_ONE_CPU) ?? 8
  // Fly wants at least 256 MiB for each processor.
  return { cpu_kind: 'shared', cpus, memory_mb: Math.max(needed, cpus * STEP_MIB) }
}

/** What Fly is asked for. */
export function machineRequest(plan: MachinePlan, owner: MachineOwner): CreateMachineRequest {
  const { image, region, reach, installation, volume, secret, document } = plan
  return {
    name: machineName(owner),
    ...(region === null ? {} : { region }),
    lease_ttl: LEASE_S,
    config: {
      image,
      // One that ran a server is kept while it sleeps, and removed by us when it is not wanted any more.
      auto_destroy: isPreparation(document),
      restart: { policy: 'no' },
      env: {
        // The machine's own; it has no meaning anywhere else.
        [IMAGE_VARIABLES.secret]: secret.reveal(),
        [IMAGE_VARIABLES.documentFile]: DOCUMENT,
        [IMAGE_VARIABLES.port]: String(INSTANCE_PORT),
      },
      files: [
        {
          guest_path: DOCUMENT,
          raw_value: Buffer.from(JSON.stringify(document)).toString('base64'),
        },
      ],
      guest: guestFor(owner.memoryMiB),
      metadata: {
        [METADATA.installation]: installation,
        [METADATA.deployment]: owner.deploymentId,
        [METADATA.release]: owner.releaseId,
        [METADATA.epoch]: String(owner.epoch),
        [METADATA.made]: String(owner.epoch),
        [METADATA.print]: fingerprint(plan, owner.memoryMiB),
      },
      ...(volume === null ? {} : { mounts: [{ volume, path: VOLUME_PATH }] }),
      ...(reach === 'private' ? {} : { services: [SERVICE] }),
      stop_config: { signal: 'SIGTERM', timeout: '10s' },
    },
  }
}

/**
 * The same for what may go on with the same machine: everything that it is told, but for what is told anew or was only
 * found out meanwhile. The key of the deployment in it keeps anybody from guessing values by it.
 */
export function fingerprint(
  { image, region, reach, document }: Pick<MachinePlan, 'image' | 'region' | 'reach' | 'document'>,
  memoryMiB: number,
): string {
  const told = { ...document, instanceId: null, tools: null, era: null }
  return hash('sha256', JSON.stringify([image, region, reach, guestFor(memoryMiB), told]))
}

/** Whether it only installs. */
export function isPreparation({ run }: InstanceDocument): boolean {
  return run.kind === 'package' && run.prepareOnly
}

const SERVICE = {
  protocol: 'tcp',
  internal_port: INSTANCE_PORT,
  // We start and end machines; a proxy that does as well would start those that we have just stopped.
  autostart: false,
  autostop: 'off',
  ports: [{ port: 443, handlers: ['tls', 'http'] }],
} as const

const DAYS = 30
/** Dollars for 30 days, as Fly's page of prices had it in November 2026: a shared processor with 256 MiB, and each further GiB. */
const SMALLEST = 2.02
const EACH_GIB = 5
const VOLUME_GIB = 0.15

/** About what a machine that never sleeps costs in 30 days, in US dollars, with its volume. Regions differ. */
export function monthlyCost(
  { cpus, memory_mb }: MachineGuest,
  volumeGiB: number,
): { readonly days: number; readonly dollars: number } {
  const more = ((memory_mb - cpus * STEP_MIB) / 1024) * EACH_GIB
  const dollars = cpus * SMALLEST + more + volumeGiB * VOLUME_GIB
  return { days: DAYS, dollars: Math.round(dollars * 100) / 100 }
}
