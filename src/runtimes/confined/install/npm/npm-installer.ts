import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describePackage, type LineSink, type NpmPackage } from '../../../../domain/index.ts'
import type { Identity } from '../../identities.ts'
import { INSIDE } from '../../command.ts'
import type { PackageInstaller } from '../package-installer.ts'
import type { RunStep } from '../run-step.ts'
import { provideDirectory, type Work } from '../work.ts'
import { findEntry } from './entry.ts'
import { checkInstalled, checkLockFile, rootManifest } from './lock-file.ts'
import { nodeProgram } from './node-program.ts'
import {
  configurationFiles,
  installMounts,
  npmArguments,
  npmEnvironment,
  type InstallConfiguration,
  type InstallStep,
} from './npm-command.ts'
import { npmFailure } from './npm-failure.ts'

export interface NpmOptions {
  readonly runStep: RunStep
  readonly identity: Identity | null
  /** Where downloads are kept; only installations see it. */
  readonly cache: string
  readonly configuration: () => Promise<InstallConfiguration>
  /** See {@link nodeHeadersOf}. */
  readonly nodeHeaders: string | null
}

/** npm's own record of what it has installed. */
const INSTALLED = 'node_modules/.package-lock.json'

/** Installs with npm's own command line, run by the Node that the servers run on. */
export function createNpmInstaller(options: NpmOptions, spec: NpmPackage): PackageInstaller {
  const { name, version } = describePackage(spec)
  const step = async (
    which: InstallStep,
    work: Work,
    output: LineSink,
    signal: AbortSignal,
  ): Promise<void> => {
    const { lines, end } = await runNpm(options, which, work, output, signal)
    if (end.exitCode !== 0) throw npmFailure(spec, lines, end)
  }
  return {
    label: `${name}@${version}`,
    interpreter: async () => `node-${process.versions.node.split('.')[0] ?? ''}`,
    lock: async (work, _allowScripts, output, signal) => {
      await provideDirectory(work.tree, options.identity, { 'package.json': rootManifest(spec) })
      await step('resolve', work, output, signal)
      const lockFile = await readFile(join(work.tree, 'package-lock.json'), 'utf8')
      checkLockFile(lockFile, spec)
      return lockFile
    },
    lockAndInstall: async (work, allowScripts, output, signal) => {
      await provideDirectory(work.tree, options.identity, { 'package.json': rootManifest(spec) })
      await step('resolve-and-install', work, output, signal)
      const lockFile = await readFile(join(work.tree, 'package-lock.json'), 'utf8')
      checkLockFile(lockFile, spec)
      if (allowScripts) await step('scripts', work, output, signal)
      await findEntry(work.tree, spec)
      return lockFile
    },
    check: (lockFile) => checkLockFile(lockFile, spec),
    install: async (work, lockFile, allowScripts, output, signal) => {
      await provideDirectory(work.tree, options.identity, {
        'package.json': rootManifest(spec),
        'package-lock.json': lockFile,
      })
      const { lines, end } = await runNpm(options, 'install', work, output, signal)
      if (lines.some((line) => line.includes('code EUSAGE'))) {
        // npm ci takes an optional dependency that was never published for a flaw of the lock file. npm install does not,
        // but would also take what the lock file does not name.
        await step('install-lenient', work, output, signal)
        checkInstalled(await readFile(join(work.tree, INSTALLED), 'utf8'), lockFile)
      } else if (end.exitCode !== 0) {
        throw npmFailure(spec, lines, end)
      }
      if (allowScripts) await step('scripts', work, output, signal)
      await findEntry(work.tree, spec)
    },
    program: async (installation, memoryMiB) => {
      const { nodeFlags, script } = await findEntry(installation, spec)
      return nodeProgram(nodeFlags, `${INSIDE.package}/${script}`, memoryMiB)
    },
  }
}

/** Runs one step of npm in the work's tree. */
async function runNpm(
  options: NpmOptions,
  step: InstallStep,
  work: Work,
  output: LineSink,
  signal: AbortSignal,
): ReturnType<RunStep> {
  const configuration = await options.configuration()
  const { cache, identity } = options
  await provideDirectory(cache, identity, {})
  await provideDirectory(work.configuration, identity, configurationFiles(configuration))
  return options.runStep(
    work,
    {
      name: step,
      argv: [INSIDE.node, INSIDE.npm, ...npmArguments(step)],
      environment: npmEnvironment(step, configuration, options.nodeHeaders),
      mounts: installMounts(step, { cache, configuration: work.configuration }),
      origins: configuration.origins,
      internet: step === 'scripts',
    },
    output,
    signal,
  )
}
