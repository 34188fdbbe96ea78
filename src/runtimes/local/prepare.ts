import {
  CatwalkError,
  type LaunchSpec,
  type LineSink,
  type NpmPackage,
  type Prepared,
  type PrepareInput,
} from '../../domain/index.ts'
import type { Installer } from './install/installer.ts'
import { checkLockFile, storeKey } from './install/lock-file.ts'
import type { Store } from './install/store.ts'
import { createSharedTasks } from './shared-tasks.ts'

type Line = Parameters<LineSink>

/** @throws CatwalkError `install_failed` for what cannot be installed here */
export function npmPackageOf(spec: LaunchSpec): NpmPackage {
  if (spec.package.kind === 'npm') return spec.package
  throw new CatwalkError('install_failed', 'The local runtime installs packages from npm only.')
}

/** The store's key for a release on this host. */
export function keyOf(input: Pick<PrepareInput, 'spec' | 'settings'>, lockFile: string): string {
  const { name, version } = npmPackageOf(input.spec)
  return storeKey({
    name,
    version,
    lockFile,
    allowScripts: input.settings.allowScripts,
    platform: process.platform,
    architecture: process.arch,
    nodeMajor: process.versions.node.split('.')[0] ?? '',
  })
}

/** Brings what a release needs into the store: locks it if need be, installs it if it is not there yet. */
export function createPrepare(
  store: Store,
  installer: Installer,
  timeoutMs: number,
): (input: PrepareInput, signal: AbortSignal) => Promise<Prepared> {
  const installations = createSharedTasks<void, Line>()

  const steps = async (input: PrepareInput, signal: AbortSignal): Promise<Prepared> => {
    const { output } = input
    const spec = npmPackageOf(input.spec)
    const label = `${spec.name}@${spec.version}`
    if (input.lockFile === null) output('system', `Resolving the dependencies of ${label}`)
    const lockFile = input.lockFile ?? (await installer.resolve(spec, output, signal))
    const packages = checkLockFile(lockFile, spec)
    const key = keyOf(input, lockFile)
    if (await store.has(key)) {
      output('system', `${label} is in the store already`)
      return { lockFile, packages, fromStore: true }
    }
    output('system', `Installing ${label} and its dependencies, ${packages} packages in all`)
    const plan = { key, spec, lockFile, allowScripts: input.settings.allowScripts }
    await installations.join(
      key,
      async (report, stop) => installer.install(plan, (...line) => report(line), stop),
      (line) => output(...line),
      signal,
    )
    return { lockFile, packages, fromStore: false }
  }

  return async (input, signal) => {
    const timeout = AbortSignal.timeout(timeoutMs)
    try {
      return await steps(input, AbortSignal.any([signal, timeout]))
    } catch (error) {
      signal.throwIfAborted()
      if (!timeout.aborted) throw error
      const seconds = Math.round(timeoutMs / 1_000)
      throw new CatwalkError('install_timeout', `The installation was not done after ${seconds} seconds.`, {
        cause: error,
      })
    }
  }
}
