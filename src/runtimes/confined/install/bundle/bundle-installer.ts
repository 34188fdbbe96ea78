import { chmod, lstat, readFile, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import {
  CatwalkError,
  describePackage,
  parseBundle,
  quoted,
  type Bundle,
  type BundlePackage,
  type Snapshot,
} from '../../../../domain/index.ts'
import { INSIDE } from '../../command.ts'
import type { Identity } from '../../identities.ts'
import { copySnapshot } from '../git/tree.ts'
import { nodeInterpreter } from '../npm/node-program.ts'
import type { PackageInstaller } from '../package-installer.ts'
import { findInterpreters, minorOf, type Interpreter } from '../python/interpreters.ts'
import type { RunStep } from '../run-step.ts'
import { provideDirectory, type Work } from '../work.ts'
import { formatBundleLock, parseBundleLock, type BundleLock } from './bundle-lock.ts'

/** Opens the files of a bundle, on behalf of one workspace: those with its SHA-256 or none. */
export type OpenBundle = (
  workspaceId: string,
  spec: BundlePackage,
  signal: AbortSignal,
) => Promise<Snapshot & AsyncDisposable>

export interface BundleOptions {
  readonly runStep: RunStep
  readonly identity: Identity | null
  readonly openBundle: OpenBundle
}

/** Where an installation has the bundle's files, and the Python that runs them, if one does. */
const FILES = 'bundle'
const PYTHON = 'python'
const PLACES = { bundle: `${INSIDE.package}/${FILES}`, home: INSIDE.home }

/** Unpacks a bundle. Nothing is fetched for it and nothing of it runs until it is started. */
export function createBundleInstaller(
  { runStep, identity, openBundle }: BundleOptions,
  spec: BundlePackage,
  workspaceId: string,
): PackageInstaller {
  const { name, version } = describePackage(spec)
  const label = `${name}@${version}`
  const pythonFor = async (work: Work, snapshot: Snapshot, signal: AbortSignal): Promise<Interpreter> => {
    await provideDirectory(work.tree, identity, {})
    const found = await findInterpreters(runStep, work, signal)
    const wanted = compiledFor(snapshot)
    const python = found.find((one) => minorOf(one.version) === wanted) ?? found[0]
    if (python !== undefined) return python
    throw new CatwalkError(
      'python_unavailable',
      `${label} needs Python, and servers see none on this machine.`,
    )
  }
  return {
    label,
    interpreter: async (lockFile) => {
      const { interpreter } = parseBundleLock(lockFile, spec)
      return interpreter ?? `node-${process.versions.node.split('.')[0] ?? ''}`
    },
    lock: async (work, _allowScripts, _output, signal) => {
      await using snapshot = await openBundle(workspaceId, spec, signal)
      const bundle = parseBundle(snapshot.text('manifest.json') ?? '')
      const python = isPython(bundle) ? await pythonFor(work, snapshot, signal) : null
      const interpreter =
        python !== null ? `python-${minorOf(python.version)}` : bundle.command === 'node' ? null : 'none'
      return formatBundleLock({ sha256: spec.sha256, interpreter } satisfies BundleLock)
    },
    check: (lockFile) => {
      parseBundleLock(lockFile, spec)
      return 1
    },
    install: async (work, lockFile, _allowScripts, _output, signal) => {
      await using snapshot = await openBundle(workspaceId, spec, signal)
      const bundle = parseBundle(snapshot.text('manifest.json') ?? '')
      await provideDirectory(work.tree, identity, {})
      if (isPython(bundle)) {
        const wanted = parseBundleLock(lockFile, spec).interpreter
        const python = await pythonFor(work, snapshot, signal)
        if (`python-${minorOf(python.version)}` !== wanted)
          throw new CatwalkError(
            'python_unavailable',
            `${label} runs on ${String(wanted)}, which is not on this machine.`,
          )
        await symlink(python.path, join(work.tree, PYTHON))
      }
      await copySnapshot(snapshot, join(work.tree, FILES), {}, identity)
      const file = programOf(bundle)
      // Archives that were made on Windows do not say which files are programs.
      if (file !== null) await chmod(await checked(work.tree, file), 0o755)
    },
    program: async (installation, memoryMiB) => {
      const bundle = await readBundle(installation)
      const file = programOf(bundle)
      if (file !== null) {
        await checked(installation, file)
        return [`${PLACES.bundle}/${file}`]
      }
      return isPython(bundle) ? [`${INSIDE.package}/${PYTHON}`] : nodeInterpreter(memoryMiB)
    },
    bundle: async (installation) => ({ manifest: await readBundle(installation), places: PLACES }),
  }
}

async function readBundle(installation: string): Promise<Bundle> {
  return parseBundle(await readFile(join(installation, FILES, 'manifest.json'), 'utf8'))
}

function isPython({ command }: Bundle): boolean {
  return /^python(?:3(?:\.\d+)?)?$/.test(command)
}

/** The bundle's own program, by its path in it; null where an interpreter runs it. */
function programOf(bundle: Bundle): string | null {
  const { command } = bundle
  if (command === 'node' || isPython(bundle)) return null
  return command.replace(/^\$\{__dirname\}/, '').replace(/^(?:\.?\/)+/, '')
}

/** @throws CatwalkError `no_executable` unless it is a file of the bundle */
async function checked(tree: string, file: string): Promise<string> {
  const path = join(tree, FILES, file)
  const found = file.split('/').includes('..') ? null : await lstat(path).catch(() => null)
  if (found?.isFile() === true) return path
  throw new CatwalkError('no_executable', `${quoted(file)} is no file of the bundle.`)
}

/** `3.11` where the bundle holds modules that were compiled for just that one; null where it holds none. */
function compiledFor({ files }: Snapshot): string | null {
  for (const path of files.keys()) {
    const [, minor] = /\.cpython-3(\d{1,2})-[\w-]*linux[\w-]*\.so$/.exec(path) ?? []
    if (minor !== undefined) return `3.${minor}`
  }
  return null
}
