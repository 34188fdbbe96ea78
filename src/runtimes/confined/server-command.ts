import { isListed, launchCommand, type InstanceInput, type NetworkPolicy } from '../../domain/index.ts'
import { dialOnly, type Dial } from '../../network/index.ts'
import type { Identity } from './identities.ts'
import { INSIDE, type ConfinedCommand } from './command.ts'
import { confinedEnvironment } from './environment.ts'

const TASKS = 256
const CPUS = 2

export interface ServerPlaces {
  /** The installation in the store. */
  readonly installation: string
  /** The deployment's home on the host. */
  readonly home: string
}

/**
 * The command that runs one process of a release's server.
 * @param program how an installation of its package is started
 * @param count tells several of one instance apart
 */
export function serverCommand(
  input: Pick<InstanceInput, 'instanceId' | 'settings' | 'spec' | 'credentials'>,
  program: readonly string[],
  places: ServerPlaces,
  confined: { readonly identity: Identity | null; readonly internet: Dial | null },
  count: number,
): ConfinedCommand {
  const { settings, spec } = input
  const { argv, environment, files } = launchCommand(spec, program, input.credentials, INSIDE.credentials)
  return {
    label: `${input.instanceId}-${count}`,
    argv,
    environment: confinedEnvironment(environment, {
      home: INSIDE.home,
      proxy: settings.network === 'none' ? 'none' : 'internet',
    }),
    files,
    workingDirectory: INSIDE.home,
    mounts: [
      { source: places.installation, target: INSIDE.package, writable: false },
      { source: places.home, target: INSIDE.home, writable: true },
    ],
    identity: confined.identity,
    limits: { memoryMiB: settings.memoryMiB, tasks: TASKS, cpus: CPUS },
    dial: dialFor(settings.network, confined.internet),
  }
}

/** @param internet null where the server has the network of its machine, which offers no lists */
function dialFor(policy: NetworkPolicy, internet: Dial | null): Dial | null {
  if (policy === 'none' || internet === null) return null
  return policy === 'internet' ? internet : dialOnly((host, port) => isListed(policy, host, port), internet)
}
