import { chown, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { LineSink, NpmPackage } from '../../../domain/index.ts'
import type { Directories } from '../directories.ts'
import { dialListed, systemNetwork, type Network } from '../../../network/index.ts'
import type { Identity } from '../identities.ts'
import { readLines } from '../lines.ts'
import { INSIDE } from '../sandbox/confined-command.ts'
import type { Confinement } from '../sandbox/confinement.ts'
import { confinedEnvironment } from '../sandbox/environment.ts'
import { findEntry } from './entry.ts'
import { checkLockFile, rootManifest } from './lock-file.ts'
import {
  configurationFiles,
  INSTALL_INSIDE,
  installMounts,
  npmArguments,
  npmEnvironment,
  type InstallConfiguration,
  type InstallStep,
} from './npm-command.ts'
import { npmFailure } from './npm-failure.ts'
import type { Store } from './store.ts'

export interface InstallerOptions {
  readonly directories: Directories
  readonly store: Store
  readonly confinement: Confinement
  readonly identity: Identity | null
  readonly configuration: () => Promise<InstallConfiguration>
  /** Further `host:port` that installations may connect to. */
  readonly extraOrigins: readonly string[]
  readonly network?: Network
}

export interface Installer {
  /** Makes a lock file for exactly this package. */
  resolve(spec: NpmPackage, output: LineSink, signal: AbortSignal): Promise<string>
  /** Installs from a lock file and publishes the result in the store. */
  install(plan: InstallPlan, output: LineSink, signal: AbortSignal): Promise<void>
}

export interface InstallPlan {
  readonly key: string
  readonly spec: NpmPackage
  readonly lockFile: string
  readonly allowScripts: boolean
}

const LIMITS = { memoryMiB: 2_048, tasks: 512, cpus: 2 } as const

/**
 * Runs npm, each step in a sandbox of its own that sees its work directory and npm's cache, and reaches the configured
 * registries only.
 * Both verbs throw CatwalkError `install_failed`, `package_not_found`, `package_index_unavailable`, `no_executable`,
 * `sandbox_unavailable`.
 */
export function createInstaller(options: InstallerOptions): Installer {
  const { store } = options
  return {
    resolve: async (spec, output, signal) =>
      withWork(options, async (work) => {
        await provideDirectory(work.tree, options.identity, { 'package.json': rootManifest(spec) })
        await runStep(options, 'resolve', work, spec, output, signal)
        const lockFile = await readFile(join(work.tree, 'package-lock.json'), 'utf8')
        checkLockFile(lockFile, spec)
        return lockFile
      }),
    install: async ({ key, spec, lockFile, allowScripts }, output, signal) =>
      withWork(options, async (work) => {
        await provideDirectory(work.tree, options.identity, {
          'package.json': rootManifest(spec),
          'package-lock.json': lockFile,
        })
        await runStep(options, 'install', work, spec, output, signal)
        if (allowScripts) await runStep(options, 'scripts', work, spec, output, signal)
        await findEntry(work.tree, spec)
        signal.throwIfAborted()
        await store.publish(key, work.tree)
      }),
  }
}

interface Work {
  readonly directory: string
  /** What npm works on and what becomes the store's entry. */
  readonly tree: string
  readonly configuration: string
}

async function withWork<T>(options: InstallerOptions, body: (work: Work) => Promise<T>): Promise<T> {
  const directory = await options.store.makeWork()
  try {
    return await body({
      directory,
      tree: join(directory, 'tree'),
      configuration: join(directory, 'configuration'),
    })
  } finally {
    await options.store.discard(directory)
  }
}

/** A directory that only the installing user can look into. */
async function provideDirectory(
  path: string,
  identity: Identity | null,
  files: Readonly<Record<string, string>>,
): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 })
  for (const [name, text] of Object.entries(files)) {
    const file = join(path, name)
    await writeFile(file, text, { mode: 0o600 })
    if (identity !== null) await chown(file, identity.uid, identity.gid)
  }
  if (identity !== null) await chown(path, identity.uid, identity.gid)
}

async function runStep(
  options: InstallerOptions,
  step: InstallStep,
  work: Work,
  spec: NpmPackage,
  output: LineSink,
  signal: AbortSignal,
): Promise<void> {
  const { identity } = options
  const configuration = await options.configuration()
  const cache = join(options.directories.cache, 'npm')
  await provideDirectory(cache, identity, {})
  await provideDirectory(work.configuration, identity, configurationFiles(configuration))
  const origins = new Set([...configuration.origins, ...options.extraOrigins])
  const lines: string[] = []
  const onLine = (line: string): void => {
    // npm sets its messages apart by empty lines.
    if (line.trim() === '') return
    lines.push(line)
    if (lines.length > KEPT_LINES) lines.shift()
    output('stderr', line)
  }

  const run = await options.confinement.run(
    {
      label: `install-${work.directory.slice(-6)}-${step}`,
      argv: [INSIDE.node, INSIDE.npm, ...npmArguments(step)],
      files: [],
      environment: confinedEnvironment(npmEnvironment(configuration), { home: '/tmp', proxy: 'registries' }),
      workingDirectory: INSTALL_INSIDE.work,
      mounts: installMounts(step, { work: work.tree, cache, configuration: work.configuration }),
      identity,
      limits: LIMITS,
      dial: dialListed(origins, options.network ?? systemNetwork),
    },
    (target, reason) =>
      output('system', `The installation was refused a connection to ${target}: ${reason}.`),
    signal,
  )
  const kill = (): void => run.kill()
  signal.addEventListener('abort', kill, { once: true })
  try {
    if (signal.aborted) kill()
    run.stdin.end()
    const [end] = await Promise.all([run.ended, readLines(run.stdout, onLine), readLines(run.stderr, onLine)])
    signal.throwIfAborted()
    if (end.exitCode !== 0) throw npmFailure(spec, lines, end)
  } finally {
    signal.removeEventListener('abort', kill)
  }
}

const KEPT_LINES = 200
