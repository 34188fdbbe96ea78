import {
  isListed,
  isNamed,
  launchCommand,
  type InstanceInput,
  type NetworkPolicy,
} from '../../domain/index.ts'
import { dialOnly, type Dial } from '../../network/index.ts'
import type { Identity } from './identities.ts'
import { INSIDE, type ConfinedCommand, type Relay } from './command.ts'
import { confinedEnvironment } from './environment.ts'
import type { StartedBundle } from './install/package-installer.ts'

const TASKS = 256
const CPUS = 2

/** What an installed release is started from. */
export interface Startable {
  /** The installation in the store; null when an image brings all that there is. */
  readonly installation: string | null
  /** Program and arguments as it is seen inside, before those of the launch spec. */
  readonly program: readonly string[]
  readonly bundle?: StartedBundle
  /** The image that it runs in, when that is not the runtime's own. */
  readonly image?: string
}

export interface ServerPlaces {
  /** What the home may take on disk, or nothing for no limit. */
  readonly homeMiB?: number
  /** The deployment's home on the host. */
  readonly home: string
}

/**
 * The command that runs one process of a release's server.
 * @param count tells several of one instance apart
 */
export function serverCommand(
  input: Pick<InstanceInput, 'instanceId' | 'settings' | 'spec' | 'credentials'>,
  { installation, program, bundle, image }: Startable,
  places: ServerPlaces,
  confined: { readonly identity: Identity | null; readonly internet: Dial | null },
  count: number,
): ConfinedCommand {
  const { settings, spec } = input
  const { argv, environment, files } = launchCommand(
    spec,
    program,
    input.credentials,
    INSIDE.credentials,
    bundle,
  )
  return {
    label: `${input.instanceId}-${count}`,
    argv,
    // What a package itself declares is known to everybody; what its user hands in is not.
    argvIsPublic: (spec.userArgs ?? []).length === 0 && bundle === undefined,
    environment: confinedEnvironment(environment, {
      home: INSIDE.home,
      proxy: settings.network === 'none' ? 'none' : 'internet',
      ownPath: image !== undefined,
    }),
    files,
    // Manifests of bundles name its files from there.
    workingDirectory: bundle?.places.bundle ?? INSIDE.home,
    mounts: [
      ...(installation === null ? [] : [{ source: installation, target: INSIDE.package, writable: false }]),
      { source: places.home, target: INSIDE.home, writable: true },
    ],
    identity: confined.identity,
    limits: { memoryMiB: settings.memoryMiB, tasks: TASKS, cpus: CPUS, fileMiB: places.homeMiB ?? null },
    dial: dialFor(settings.network, confined.internet),
    ...relayFor(settings.network),
    ...(image === undefined
      ? {}
      : {
          image: {
            reference: image,
            port: spec.transport.kind === 'port' ? spec.transport.port : null,
          },
        }),
  }
}

/** @param internet null where the server has the network of its machine, which offers no lists */
function dialFor(policy: NetworkPolicy, internet: Dial | null): Dial | null {
  if (policy === 'none' || internet === null) return null
  return policy === 'internet' ? internet : dialOnly((host, port) => isListed(policy, host, port), internet)
}

/**
 * The ports of what servers usually talk to: the web, mail, shells, databases, queues. Others are reached through the
 * proxy, or by being in the list of hosts. Those that servers open for themselves, such as 3000 and 8080, are not in it.
 */
const USUAL_PORTS = [
  22, 25, 80, 110, 143, 443, 465, 587, 636, 993, 995, 1433, 1521, 1883, 3306, 4222, 5432, 5671, 5672, 6379,
  6380, 6432, 8443, 8883, 9042, 9092, 9200, 9243, 11_211, 26_257, 27_017,
] as const
const MAX_PORTS = 128

function relayFor(policy: NetworkPolicy): { readonly relay?: Relay } {
  if (policy === 'none') return {}
  if (policy === 'internet') return { relay: { names: () => true, ports: USUAL_PORTS } }
  const named = policy.map((rule) => rule.slice(rule.lastIndexOf(':') + 1))
  const ports = named.flatMap((port) => (port === '*' ? USUAL_PORTS : [Number(port)]))
  const taken: readonly number[] = [INSIDE.proxyPort]
  return {
    relay: {
      names: (name) => isNamed(policy, name),
      ports: [...new Set(ports)].filter((port) => !taken.includes(port)).slice(0, MAX_PORTS),
    },
  }
}
