import { readdir, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import {
  type AddressRule,
  CatwalkError,
  type LaunchPackage,
  type Logger,
  type Runtime,
  type RuntimeKind,
} from '../../domain/index.ts'
import { createDirectories, type Directories } from './directories.ts'
import { dialPublic, publicNetwork, type Network } from '../../network/index.ts'
import { createHomes, type Homes } from './homes.ts'
import { createIdentities, DEFAULT_FIRST_UID, type Identities } from './identities.ts'
import type { InstallConfiguration } from './install/npm/npm-command.ts'
import { createNpmInstaller } from './install/npm/npm-installer.ts'
import { createBundleInstaller, type OpenBundle } from './install/bundle/bundle-installer.ts'
import { createGitInstaller, type OpenSnapshot } from './install/git/git-installer.ts'
import { createPypiInstaller } from './install/python/pypi-installer.ts'
import type { PythonIndex } from './install/python/pip-command.ts'
import type { PackageInstaller } from './install/package-installer.ts'
import { createRunStep } from './install/run-step.ts'
import { createStore } from './install/store.ts'
import { createStoreBudget, type StoreBudget } from './install/store-budget.ts'
import { createInstances } from './instances.ts'
import { createLaunch } from './launch.ts'
import { createPreparation, type Installed, type Preparation } from './prepare.ts'
import type { Confinement } from './confinement.ts'
import { runsNoImages, withImages } from './images.ts'
import { overHttp, type ConnectHttp } from './over-http.ts'
import { serverCommand } from './server-command.ts'
import { createSlots } from './slots.ts'
import { ensureToolchain, nodeHeadersOf, type Toolchain } from './toolchain.ts'
import { tryOut } from './trial/try-out.ts'

/** What every runtime of this kind is told. */
export interface ConfinedRuntimeOptions {
  /**
   * Everything is kept in here. As root, other users must be able to enter it (mode 0711 on it and all above), because
   * servers run as other users. One program at a time uses it.
   */
  readonly dataDir: string
  readonly logger: Logger
  /** npm's configuration for a workspace; asked for at each installation, so that changes count at once. */
  readonly npm: (workspaceId: string) => Promise<InstallConfiguration>
  /** The Python index of a workspace; asked for at each installation. */
  readonly pypi: (workspaceId: string) => Promise<PythonIndex>
  /**
   * Whether a workspace is let in where others are not: what it downloads and installs is then kept for it alone.
   * Default: none is.
   */
  readonly hasOwnPackages?: (workspaceId: string) => Promise<boolean>
  /** Where the files of repositories come from; without it no repository can be built. */
  readonly openSnapshot?: OpenSnapshot
  /** Where the files of bundles come from; without it none can be installed. */
  readonly openBundle?: OpenBundle
  /** What one installation or build may take on disk while it goes on. */
  readonly installDiskMiB?: number
  /** What the store of installed packages may take on disk; left out for no limit. */
  readonly storeMiB?: number
  /** The releases whose installations must stay: those that serve, and those that are about to. */
  readonly releasesInUse?: (runtime: RuntimeKind) => Promise<readonly ReleaseInUse[]>
  /** How long what was used stays in any case. */
  readonly storeRecentMs?: number
  /** What the homes of one deployment may take on disk together; left out for no limit. */
  readonly homeMiB?: number
  readonly installTimeoutMs: number
  /** Aborted when the program ends. */
  readonly stop?: AbortSignal
  /** Of one MCP message, in either direction. */
  readonly maxMessageBytes?: number
  /** As root: the user id of installations; deployments get the 60,000 after it. */
  readonly firstUid?: number
  /** Further `host:port` that installations may connect to, such as a registry's download host. */
  readonly installOrigins?: readonly string[]
  /** The network that servers reach through the egress proxy; tests bring their own. */
  readonly network?: Network
  /** Private addresses that servers may reach as well. Left out: none. */
  readonly mayReach?: AddressRule
}

export interface ReleaseInUse extends Installed {
  readonly lockFile: string
}

/** What these runtimes differ in. */
export interface ConfinementSource {
  readonly kind: RuntimeKind
  /** Where in the data directory it keeps what no other runtime uses, such as installations for its interpreters. */
  readonly folder: string
  /** What it needs in the toolchain's directory besides Node and npm, by name. */
  readonly files: () => Promise<ReadonlyMap<string, Buffer>>
  /** How a server is spoken to that serves HTTP itself; not there: the runtime runs no images, and then there is none. */
  readonly connectHttp?: ConnectHttp
  /** Called once, when the runtime is first used; what an earlier run of the program left behind is removed first. */
  readonly open: (host: ConfinementHost) => Promise<Confinement>
}

export interface ConfinementHost {
  /** The runtime's own directory, as an absolute path. */
  readonly dataDir: string
  readonly toolchain: Toolchain
  readonly identities: Identities
}

interface Parts {
  readonly homes: Homes
  readonly identities: Identities
  readonly confinement: Confinement
  readonly preparation: Preparation
  readonly budget: StoreBudget
  readonly temporary: string
}

const STORE_RECENT_MS = 600_000
const INSTALL_DISK_MIB = 4_096

/** A trial takes a processor for itself while it lasts. */
const TRIALS_AT_ONCE = 2

/** Runs servers as confined programs of this machine. Nothing happens until it is first used. */
export function createConfinedRuntime(options: ConfinedRuntimeOptions, source: ConfinementSource): Runtime {
  const instances = createInstances(
    options.maxMessageBytes === undefined ? {} : { maxMessageBytes: options.maxMessageBytes },
  )
  const network: Network = {
    ...(options.network ?? publicNetwork),
    ...(options.mayReach === undefined ? {} : { mayReach: options.mayReach }),
  }
  const homeLimit = options.homeMiB === undefined ? {} : { homeMiB: options.homeMiB }
  const trials = createSlots(TRIALS_AT_ONCE)
  let opening: Promise<Parts> | null = null
  let budget: StoreBudget | null = null
  const open = async (): Promise<Parts> => {
    opening ??= openParts(options, source)
    try {
      const parts = await opening
      budget ??= parts.budget
      return parts
    } catch (error) {
      opening = null
      throw error
    }
  }
  return {
    kind: source.kind,
    supports: {
      packages: [
        'npm',
        'pypi',
        'git',
        'mcpb',
        ...(source.connectHttp === undefined ? [] : (['oci'] as const)),
      ],
      memoryLimit: true,
      serverLogs: true,
      networkPolicies: ['none', 'internet', 'listed'],
      suspend: false,
      survivesRestart: false,
      people: true,
    },
    status: async (signal) => (await open()).confinement.status(signal),
    awayMs: async (signal) => (await (await open()).confinement.awayMs?.(signal)) ?? null,
    prepare: async (input, signal) => (await open()).preparation.prepare(input, signal),
    start: async (input, signal) => {
      const { confinement, homes, identities, preparation } = await open()
      const { letGo, ...startable } = await preparation.programOf(input, input.lockFile)
      try {
        await instances.stopOlder(input)
        const identity = identities.deployment(input.slot)
        const home = await homes.provide(input.deploymentId, input.person ?? null, identity)
        const launch = createLaunch(
          confinement,
          (count) =>
            serverCommand(
              input,
              startable,
              { home, ...homeLimit },
              { identity, internet: dialPublic(network) },
              count,
            ),
          input.output,
          (isFull) => homes.guard(input.deploymentId, isFull),
          overHttp(input.spec, source.connectHttp, input.output),
        )
        const instance = await instances.start(input, launch, signal)
        void instance.ended.then(letGo)
        return instance
      } catch (error) {
        letGo()
        throw error
      }
    },
    tryOut: async (input, signal) => {
      const parts = await open()
      return trials.run(signal, async () =>
        tryOut(
          {
            ...parts,
            identity: parts.identities.trial,
            homeMiB: options.homeMiB ?? null,
            connectHttp: source.connectHttp,
          },
          input,
          signal,
        ),
      )
    },
    purge: async (deploymentId) => {
      const { homes } = await open()
      await instances.stopAll(deploymentId)
      await homes.remove(deploymentId)
    },
    storeUse: () => budget?.use() ?? { storeMiB: 0, storeLimitMiB: options.storeMiB ?? null, evicted: 0 },
    disk: async (signal) => {
      const parts = await open()
      return {
        ...parts.budget.use(),
        homeLimitMiB: options.homeMiB ?? null,
        homes: await parts.homes.usage(signal),
      }
    },
    keepPeople: async (deploymentId, people) => (await open()).homes.keepPeople(deploymentId, people),
  }
}

async function openParts(options: ConfinedRuntimeOptions, source: ConfinementSource): Promise<Parts> {
  const dataDir = resolve(options.dataDir)
  const asRoot = process.getuid?.() === 0
  const identities = createIdentities(asRoot, options.firstUid ?? DEFAULT_FIRST_UID)
  const directories = await createDirectories(dataDir, asRoot, source.folder)
  await sweepTemporary(directories, options.logger)
  const npmDirectory = dirname(createRequire(import.meta.url).resolve('npm/package.json'))
  const toolchain = await ensureToolchain(directories, npmDirectory, await source.files())
  const nodeHeaders = await nodeHeadersOf(toolchain)
  const confinement = await source.open({ dataDir: directories.own, toolchain, identities })
  const store = createStore(directories, asRoot)
  const identity = identities.installer
  const runStep = createRunStep({
    confinement,
    identity,
    extraOrigins: options.installOrigins ?? [],
    diskMiB: options.installDiskMiB ?? INSTALL_DISK_MIB,
  })
  const { installTimeoutMs: timeoutMs } = options
  const ownsPackages = options.hasOwnPackages ?? (async () => false)
  const openSnapshot =
    options.openSnapshot ??
    (async () => {
      throw new CatwalkError('install_failed', 'This installation of Catwalk cannot read repositories.')
    })
  const openBundle =
    options.openBundle ??
    (async () => {
      throw new CatwalkError('install_failed', 'This installation of Catwalk cannot read bundles.')
    })
  const installerOf = async (spec: LaunchPackage, workspaceId: string): Promise<PackageInstaller> => {
    const cacheOf = (tool: string, suffix: string) => join(directories.cache, `${tool}${suffix}`)
    const suffix = (await ownsPackages(workspaceId)) ? `-${workspaceId}` : ''
    const configuration = () => options.npm(workspaceId)
    const index = () => options.pypi(workspaceId)
    const npm = { runStep, identity, cache: cacheOf('npm', suffix), configuration, nodeHeaders }
    const python = { runStep, identity, directories, cache: cacheOf('pip', suffix), index }
    switch (spec.kind) {
      case 'npm':
        return createNpmInstaller(npm, spec)
      case 'pypi':
        return createPypiInstaller(python, spec)
      case 'git':
        return createGitInstaller({ node: npm, python, openSnapshot }, spec, workspaceId)
      case 'mcpb':
        return createBundleInstaller({ runStep, identity, openBundle }, spec, workspaceId)
      case 'remote':
        throw new CatwalkError('runtime_unavailable', 'What someone else runs cannot be installed here.')
      case 'oci':
        throw runsNoImages()
      default:
        return spec satisfies never
    }
  }
  const preparation = createPreparation({
    store,
    installerOf,
    ownsPackages,
    timeoutMs,
    onGrown: () => void budget.enforce(),
  })
  const needed = async (): Promise<ReadonlySet<string>> => {
    const keys = new Set<string>()
    for (const release of (await options.releasesInUse?.(source.kind)) ?? []) {
      try {
        keys.add(await preparation.keyOf(release, release.lockFile))
      } catch (error) {
        // What cannot be installed here, for want of its interpreter, is not in this store either.
        if (!(error instanceof CatwalkError)) throw error
      }
    }
    return keys
  }
  const budget = createStoreBudget({
    store,
    limitMiB: options.storeMiB ?? null,
    needed,
    recentMs: options.storeRecentMs ?? STORE_RECENT_MS,
    stop: options.stop ?? new AbortController().signal,
    logger: options.logger,
  })
  void budget.enforce()
  return {
    homes: createHomes(directories, options.homeMiB ?? null),
    identities,
    confinement,
    preparation: withImages(preparation, confinement.images, timeoutMs),
    budget,
    temporary: directories.temporary,
  }
}

/** Removes what a killed run of the program was working on. */
async function sweepTemporary({ temporary }: Directories, logger: Logger): Promise<void> {
  for (const name of await readdir(temporary)) {
    await rm(join(temporary, name), { recursive: true, force: true })
    logger.info({ name }, 'removed unfinished work of an earlier run')
  }
}
