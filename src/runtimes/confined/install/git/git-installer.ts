import { lstat } from 'node:fs/promises'
import { join, posix } from 'node:path'
import {
  CatwalkError,
  describePackage,
  quoted,
  type GitPackage,
  type GitProgram,
  type LineSink,
  type Snapshot,
} from '../../../../domain/index.ts'
import { INSIDE } from '../../command.ts'
import { nodeProgram } from '../npm/node-program.ts'
import type { NpmOptions } from '../npm/npm-installer.ts'
import type { PackageInstaller } from '../package-installer.ts'
import { PIP_INSIDE } from '../python/pip-command.ts'
import type { PythonOptions } from '../python/pip-steps.ts'
import { parseLock } from '../python/python-lock.ts'
import { pythonProgram } from '../python/python-program.ts'
import type { Work } from '../work.ts'
import { findBuiltScript } from './built-script.ts'
import { formatGitLock, parseGitLock } from './git-lock.ts'
import { buildNodeProject, lockNodeProject } from './node-build.ts'
import { buildPythonProject, lockPythonProject, SOURCE } from './python-build.ts'

/** Opens the files of a repository at the commit of a package, on behalf of one workspace. */
export type OpenSnapshot = (
  workspaceId: string,
  spec: GitPackage,
  signal: AbortSignal,
) => Promise<Snapshot & AsyncDisposable>

export interface GitOptions {
  readonly node: NpmOptions
  readonly python: PythonOptions
  readonly openSnapshot: OpenSnapshot
}

export interface BuildJob {
  readonly label: string
  readonly work: Work
  readonly allowScripts: boolean
  readonly output: LineSink
  readonly signal: AbortSignal
}

/** Builds a server from its repository: by its lock file where it has one, with the package registries as only network. */
export function createGitInstaller(
  { node, python, openSnapshot }: GitOptions,
  spec: GitPackage,
  workspaceId: string,
): PackageInstaller {
  const { name, version } = describePackage(spec)
  const label = `${name}@${version}`
  const isPython = spec.program.kind === 'python' || spec.program.kind === 'python-file'
  const program = async (tree: string, memoryMiB: number): Promise<readonly string[]> =>
    programOf(spec, label, tree, memoryMiB)
  return {
    label,
    interpreter: async (lockFile) => {
      const lock = parseGitLock(lockFile, spec)
      return lock.python === null
        ? `node-${process.versions.node.split('.')[0] ?? ''}`
        : `python-${parseLock(lock.python).python}`
    },
    lock: async (work, allowScripts, output, signal) => {
      await using snapshot = await openSnapshot(workspaceId, spec, signal)
      const job = { label, work, allowScripts, output, signal }
      return formatGitLock({
        commit: spec.commit,
        files: isPython ? {} : await lockNodeProject(node, snapshot, spec.path, job),
        python: isPython ? await lockPythonProject(python, snapshot, spec.path, job) : null,
      })
    },
    check: (lockFile) => {
      const lock = parseGitLock(lockFile, spec)
      return 1 + (lock.python === null ? 0 : parseLock(lock.python).files.length)
    },
    install: async (work, lockFile, allowScripts, output, signal) => {
      await using snapshot = await openSnapshot(workspaceId, spec, signal)
      const lock = parseGitLock(lockFile, spec)
      const job = { label, work, allowScripts, output, signal }
      if (lock.python === null) await buildNodeProject(node, snapshot, spec.path, lock.files, job)
      else await buildPythonProject(python, snapshot, spec.path, lock.python, job)
      await program(work.tree, 0)
    },
    program,
  }
}

async function programOf(
  { path: folder, program }: GitPackage,
  label: string,
  tree: string,
  memoryMiB: number,
): Promise<readonly string[]> {
  switch (program.kind) {
    case 'node-executable':
    case 'node-file': {
      const wanted = program.kind === 'node-file' ? { path: program.path } : { executable: program.name }
      const script = await findBuiltScript(tree, folder, wanted)
      return nodeProgram(script.nodeFlags, `${INSIDE.package}/${script.path}`, memoryMiB)
    }
    case 'python':
      return pythonProgram(tree, label, program.program)
    case 'python-file':
      return [PIP_INSIDE.python, `${INSIDE.package}/${await pythonFile(tree, folder, program)}`]
    default:
      return program satisfies never
  }
}

async function pythonFile(
  tree: string,
  folder: string,
  { path }: Extract<GitProgram, { kind: 'python-file' }>,
): Promise<string> {
  const inside = posix.normalize(posix.join(folder, path))
  const file = posix.join(SOURCE, inside)
  const found = inside.startsWith('../') ? null : await lstat(join(tree, file)).catch(() => null)
  if (found?.isFile() !== true) {
    throw new CatwalkError('no_executable', `${quoted(path)} is no file of the repository.`)
  }
  return file
}
