import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { CatwalkError, type LaunchPackage, type LineSink } from '../../domain/index.ts'
import {
  createDirectories,
  createNpmInstaller,
  createPreparation,
  createPypiInstaller,
  createRunStep,
  createStore,
  nodeHeadersOf,
  INSIDE,
  runUnsandboxed,
  withoutProxy,
  type Confinement,
  type PackageInstaller,
  type Preparation,
} from '../confined/index.ts'
import type { PackageRun } from '../elsewhere/index.ts'

const INSTALL_TIMEOUT_MS = 600_000
const INSTALL_DISK_MIB = 4_096
/** Part of util-linux; has the kernel end servers together with this program. */
const SETPRIV = '/usr/bin/setpriv'

/**
 * Runs programs as they are: the machine, or the container, is what confines them. Everything lies where a sandbox would
 * show it, and its network is the machine's own.
 */
export const machineConfinement: Confinement = {
  status: async () => ({ ok: true, detail: 'a machine of its own' }),
  run: async (command, _onRefused, signal) =>
    runUnsandboxed(
      { directory: INSIDE.toolchain },
      SETPRIV,
      { ...command, environment: withoutProxy(command.environment) },
      signal,
    ),
}

/** What installs packages in the machine. There is one release, one workspace and one user. */
export async function createMachinePreparation(
  dataDir: string,
  { npm, pypi }: Pick<PackageRun, 'npm' | 'pypi'>,
): Promise<Preparation> {
  await mkdir(INSIDE.home, { recursive: true })
  const directories = await createDirectories(dataDir, false)
  const nodeHeaders = await nodeHeadersOf({ directory: INSIDE.toolchain })
  const runStep = createRunStep({
    confinement: machineConfinement,
    identity: null,
    extraOrigins: [],
    diskMiB: INSTALL_DISK_MIB,
  })
  const installerOf = async (spec: LaunchPackage): Promise<PackageInstaller> => {
    const node = {
      runStep,
      identity: null,
      cache: join(directories.cache, 'npm'),
      configuration: async () => npm,
      nodeHeaders,
    }
    const python = {
      runStep,
      identity: null,
      directories,
      cache: join(directories.cache, 'pip'),
      index: async () => pypi,
    }
    switch (spec.kind) {
      case 'npm':
        return createNpmInstaller(node, spec)
      case 'pypi':
        return createPypiInstaller(python, spec)
      case 'git':
        throw new CatwalkError('install_failed', 'A server from a repository cannot be built in a machine.')
      case 'mcpb':
        throw new CatwalkError('install_failed', 'A bundle cannot be run in a machine.')
      case 'remote':
        throw new CatwalkError('install_failed', 'What someone else runs cannot be installed in a machine.')
      case 'oci':
        throw new CatwalkError('install_failed', 'An image cannot be run in a machine.')
      default:
        return spec satisfies never
    }
  }
  return createPreparation({
    store: createStore(directories, false),
    installerOf,
    ownsPackages: async () => false,
    timeoutMs: INSTALL_TIMEOUT_MS,
  })
}

/** Nothing of a machine's output is kept but what is told; it is shown on its console as well. */
export function alsoOnConsole(output: LineSink): LineSink {
  return (stream, line) => {
    process.stderr.write(`${line}\n`)
    output(stream, line)
  }
}
