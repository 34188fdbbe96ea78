import type { BridgeLimits } from '../../bridge/index.ts'
import {
  newId,
  toolSheet,
  type InstanceInput,
  type LaunchSpec,
  type PrepareInput,
  type ProcessPolicy,
  type RunSettings,
  type ServerEra,
  type ToolSheet,
} from '../../domain/index.ts'
import type { InstallConfiguration, PythonIndex } from '../confined/index.ts'

/** The environment of the program in the image. */
export const IMAGE_VARIABLES = {
  /** At least 32 characters; only who shows it is answered. */
  secret: 'CATWALK_INSTANCE_SECRET',
  /** An {@link InstanceDocument} as JSON, or the path of a file that holds one. */
  document: 'CATWALK_INSTANCE',
  documentFile: 'CATWALK_INSTANCE_FILE',
  /** Where it listens. Default: all addresses, port 8080. */
  host: 'CATWALK_INSTANCE_HOST',
  port: 'CATWALK_INSTANCE_PORT',
  /** Where packages are kept, a volume. */
  dataDir: 'CATWALK_INSTANCE_DATA',
  /** It ends when nobody has watched it for this many seconds. Default: 900. */
  unwatched: 'CATWALK_INSTANCE_UNWATCHED_S',
} as const

export const INSTANCE_PORT = 8080

/** A release of a package, installed from its lock file before it starts. */
export interface PackageRun {
  readonly kind: 'package'
  readonly spec: LaunchSpec
  readonly settings: RunSettings
  /** Null: resolved first, and told to whoever watches. */
  readonly lockFile: string | null
  /** Only installs. */
  readonly prepareOnly: boolean
  readonly npm: InstallConfiguration
  readonly pypi: PythonIndex
}

/** A program that is in the image already. */
export interface CommandRun {
  readonly kind: 'command'
  /** No shell is involved. */
  readonly argv: readonly [string, ...string[]]
}

/** Everything that the program in the image is to run. Holds secrets in clear. */
export interface InstanceDocument {
  readonly deploymentId: string
  readonly releaseId: string
  readonly instanceId: string
  readonly run: PackageRun | CommandRun
  /** By the names of the launch spec's variables. */
  readonly credentials: Readonly<Record<string, string>>
  /** 32 bytes in base64url, see {@link InstanceInput.sealKey}. */
  readonly sealKey: string
  readonly processes: ProcessPolicy
  readonly stateful: boolean
  readonly era: ServerEra | null
  /** What is set for tools when it starts; told again whenever it changes. Null: nothing will ever be. */
  readonly tools: ToolSheet | null
  readonly limits?: Partial<BridgeLimits>
}

/** The document of an instance of a release. */
export function instanceDocument(
  input: InstanceInput,
  registries: Pick<PackageRun, 'npm' | 'pypi'>,
): InstanceDocument {
  const { deploymentId, releaseId, instanceId, spec, settings, lockFile, processes, stateful, era } = input
  const tools = input.tools?.source.current()
  return {
    deploymentId,
    releaseId,
    instanceId,
    run: { kind: 'package', spec, settings, lockFile, prepareOnly: false, ...registries },
    // Revealed here and nowhere else on the way to the machine.
    credentials: Object.fromEntries([...input.credentials].map(([name, secret]) => [name, secret.reveal()])),
    sealKey: input.sealKey.toString('base64url'),
    processes,
    stateful,
    era,
    tools: tools === undefined ? null : toolSheet(tools),
  }
}

/** The document of a machine that installs a package and runs nothing. */
export function preparationDocument(
  {
    deploymentId,
    spec,
    settings,
    lockFile,
  }: Pick<PrepareInput, 'deploymentId' | 'spec' | 'settings' | 'lockFile'>,
  registries: Pick<PackageRun, 'npm' | 'pypi'>,
): InstanceDocument {
  return {
    deploymentId,
    releaseId: newId('release'),
    instanceId: newId('instance'),
    run: { kind: 'package', spec, settings, lockFile, prepareOnly: true, ...registries },
    credentials: {},
    // Nothing is sealed where nothing runs.
    sealKey: Buffer.alloc(32).toString('base64url'),
    processes: 'auto',
    stateful: false,
    era: null,
    tools: null,
  }
}
