import type { Bundle, BundlePlaces, LineSink } from '../../../domain/index.ts'
import type { Work } from './work.ts'

/** A bundle that is started, and where its places are as a sandbox sees them. */
export interface StartedBundle {
  readonly manifest: Bundle
  readonly places: BundlePlaces
}

/** Installs one package of a launch spec, whatever its ecosystem. */
export interface PackageInstaller {
  /** For people. */
  readonly label: string
  /** What of this host runs it, such as `node-24`. Another one needs another installation. */
  interpreter(lockFile: string): Promise<string>
  /**
   * Makes a lock file for exactly this package.
   * @throws CatwalkError `install_failed`, `package_not_found`, `package_index_unavailable`, `python_unavailable`,
   *   `sandbox_unavailable`
   */
  lock(work: Work, allowScripts: boolean, output: LineSink, signal: AbortSignal): Promise<string>
  /**
   * Both at once, where that is faster: what is known of the packages after resolving need not be found out again.
   * @returns the lock file
   * @throws CatwalkError as `lock` and `install`
   */
  readonly lockAndInstall?: (
    work: Work,
    allowScripts: boolean,
    output: LineSink,
    signal: AbortSignal,
  ) => Promise<string>
  /**
   * Whether the lock file installs this package and nothing that is not pinned.
   * @returns how many packages it names
   * @throws CatwalkError `install_failed`
   */
  check(lockFile: string): number
  /**
   * Installs from a lock file into the work's tree.
   * @throws CatwalkError as `lock`, and `no_executable`
   */
  install(
    work: Work,
    lockFile: string,
    allowScripts: boolean,
    output: LineSink,
    signal: AbortSignal,
  ): Promise<void>
  /**
   * How an installation is started: program and arguments as a sandbox sees them, before those of the launch spec.
   * @throws CatwalkError `no_executable`
   */
  program(installation: string, memoryMiB: number): Promise<readonly string[]>
  /** Of a bundle: what its manifest adds to the command line. Not there: nothing is added. */
  bundle?(installation: string): Promise<StartedBundle>
}
