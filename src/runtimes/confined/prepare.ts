import {
  anySignal,
  CatwalkError,
  describePackage,
  type LaunchPackage,
  type LineSink,
  type Prepared,
  type PrepareInput,
} from '../../domain/index.ts'
import type { PackageInstaller } from './install/package-installer.ts'
import { storeKey, storeKeyBeginning } from './install/store-key.ts'
import type { Startable } from './server-command.ts'
import type { Store } from './install/store.ts'
import { withWork } from './install/work.ts'
import { createSharedTasks } from './shared-tasks.ts'

type Line = Parameters<LineSink>
/** What an installation is made for. */
export type Installed = Pick<PrepareInput, 'workspaceId' | 'spec' | 'settings'>

/** Brings what releases need into the store, and finds it there. */
export interface Preparation {
  /** Locks what a release needs if need be, and installs it if it is not there yet. As `Runtime.prepare`. */
  prepare(input: PrepareInput, signal: AbortSignal): Promise<Prepared>
  /**
   * How an installed release is started. The installation stays until it is let go.
   * @throws CatwalkError `install_failed` when it is not installed here, `no_executable`
   */
  programOf(input: Installed, lockFile: string): Promise<InstalledProgram>
  /** The store's key of a release's installation on this host. @throws CatwalkError where it cannot be installed here */
  keyOf(input: Installed, lockFile: string): Promise<string>
}

export interface InstalledProgram extends Startable {
  readonly letGo: () => void
}

export interface PreparationOptions {
  readonly store: Store
  readonly installerOf: (spec: LaunchPackage, workspaceId: string) => Promise<PackageInstaller>
  /** Whether a workspace's packages may come from where others are not let in. */
  readonly ownsPackages: (workspaceId: string) => Promise<boolean>
  readonly timeoutMs: number
  /** Called when the store has grown. */
  readonly onGrown?: () => void
}

export function createPreparation({
  store,
  installerOf,
  ownsPackages,
  timeoutMs,
  onGrown = () => undefined,
}: PreparationOptions): Preparation {
  const installations = createSharedTasks<void, Line>()
  const first = createSharedTasks<Prepared, Line>()

  const steps = async (input: PrepareInput, signal: AbortSignal): Promise<Prepared> => {
    const { output, settings } = input
    const installer = await installerOf(input.spec.package, input.workspaceId)
    const { label, lockAndInstall } = installer
    const { allowScripts } = settings
    // Whatever version of its dependencies is there already need not be installed again.
    const isNew =
      input.lockFile === null &&
      !(await store.hasLike(storeKeyBeginning(describePackage(input.spec.package))))
    if (isNew && lockAndInstall !== undefined) {
      output('system', `Installing ${label} and its dependencies`)
      return first.join(
        JSON.stringify([input.workspaceId, input.spec.package, allowScripts]),
        async (report, stop) =>
          withWork(store, async (work) => {
            const made = await lockAndInstall(work, allowScripts, (...line) => report(line), stop)
            stop.throwIfAborted()
            const key = await keyOf(input, installer, made, await ownsPackages(input.workspaceId))
            await store.publish(key, work.tree)
            onGrown()
            return { lockFile: made, packages: installer.check(made), fromStore: false }
          }),
        (line) => output(...line),
        signal,
      )
    }
    if (input.lockFile === null) output('system', `Resolving the dependencies of ${label}`)
    const lockFile =
      input.lockFile ??
      (await withWork(store, async (work) => installer.lock(work, allowScripts, output, signal)))
    const packages = installer.check(lockFile)
    const key = await keyOf(input, installer, lockFile, await ownsPackages(input.workspaceId))
    if (await store.has(key)) {
      // What is installed is the same, what is to be started from it perhaps not.
      await installer.program(store.pathOf(key), settings.memoryMiB)
      output('system', `${label} is in the store already`)
      return { lockFile, packages, fromStore: true }
    }
    output('system', `Installing ${label} and its dependencies, ${packages} packages in all`)
    await installations.join(
      key,
      async (report, stop) =>
        withWork(store, async (work) => {
          await installer.install(work, lockFile, allowScripts, (...line) => report(line), stop)
          stop.throwIfAborted()
          await store.publish(key, work.tree)
          onGrown()
        }),
      (line) => output(...line),
      signal,
    )
    return { lockFile, packages, fromStore: false }
  }

  return {
    prepare: async (input, signal) => {
      const timeout = AbortSignal.timeout(timeoutMs)
      try {
        return await steps(input, anySignal([signal, timeout]))
      } catch (error) {
        signal.throwIfAborted()
        if (!timeout.aborted) throw error
        const seconds = Math.round(timeoutMs / 1_000)
        throw new CatwalkError('install_timeout', `The installation was not done after ${seconds} seconds.`, {
          cause: error,
        })
      }
    },
    programOf: async (input, lockFile) => {
      const installer = await installerOf(input.spec.package, input.workspaceId)
      const key = await keyOf(input, installer, lockFile, await ownsPackages(input.workspaceId))
      const letGo = await store.hold(key)
      try {
        if (!(await store.has(key))) {
          throw new CatwalkError('install_failed', 'The release is not installed on this machine.')
        }
        const installation = store.pathOf(key)
        const program = await installer.program(installation, input.settings.memoryMiB)
        const bundle = await installer.bundle?.(installation)
        return { installation, program, ...(bundle === undefined ? {} : { bundle }), letGo }
      } catch (error) {
        letGo()
        throw error
      }
    },
    keyOf: async (input, lockFile) => {
      const installer = await installerOf(input.spec.package, input.workspaceId)
      return keyOf(input, installer, lockFile, await ownsPackages(input.workspaceId))
    },
  }
}

/** The store's key for an installation on this host. */
async function keyOf(
  input: Installed,
  installer: PackageInstaller,
  lockFile: string,
  ownsPackages: boolean,
): Promise<string> {
  const { allowScripts } = input.settings
  // Scripts may have fetched what only this workspace should run; a private repository or registry may hold it.
  const own = allowScripts || ownsPackages || input.spec.package.kind === 'git'
  return storeKey({
    ...describePackage(input.spec.package),
    lockFile,
    allowScripts,
    owner: own ? input.workspaceId : '',
    platform: process.platform,
    architecture: process.arch,
    interpreter: await installer.interpreter(lockFile),
  })
}
