import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CatwalkError, type LineSink } from '../../../../domain/index.ts'
import type { Directories } from '../../directories.ts'
import type { Identity } from '../../identities.ts'
import { INSIDE } from '../../command.ts'
import type { RunStep } from '../run-step.ts'
import { provideDirectory, type Work } from '../work.ts'
import { findInterpreters, minorOf, type Interpreter } from './interpreters.ts'
import {
  downloadArguments,
  installArguments,
  PIP_INSIDE,
  pipEnvironment,
  pipFiles,
  pipMounts,
  type PythonIndex,
} from './pip-command.ts'
import { ensurePip } from './pip-environments.ts'
import { pipFailure } from './pip-failure.ts'
import { formatLock, parseFileName, parseLock, type LockedFile } from './python-lock.ts'

export interface PythonOptions {
  readonly runStep: RunStep
  readonly identity: Identity | null
  readonly directories: Directories
  /** Where downloads are kept; only installations see it. */
  readonly cache: string
  readonly index: () => Promise<PythonIndex>
}

export interface PythonJob {
  readonly label: string
  readonly work: Work
  readonly allowScripts: boolean
  readonly output: LineSink
  readonly signal: AbortSignal
}

/** Runs one program of an interpreter, with pip at hand. It throws when the program fails. */
export type RunPython = (name: string, argv: readonly string[]) => Promise<void>

/** The interpreter that has pip, for what is not installed into the environment. */
export const PIP_PYTHON = `${PIP_INSIDE.pip}/bin/python`

/**
 * Finds out which files are needed, on the newest Python there that the package takes.
 * @param targetsOf what pip is asked for; may run something of its own before
 * @returns a lock file
 * @throws CatwalkError `python_unavailable`, `install_failed`, `package_index_unavailable`
 */
export async function resolvePython(
  options: PythonOptions,
  job: PythonJob,
  targetsOf: (run: RunPython) => Promise<readonly string[]>,
): Promise<string> {
  let failure = new CatwalkError(
    'python_unavailable',
    `${job.label} needs Python, and this machine has none that can make environments (venv).`,
  )
  await provideDirectory(job.work.tree, options.identity, {})
  for (const interpreter of await findInterpreters(options.runStep, job.work, job.signal)) {
    const python = minorOf(interpreter.version)
    try {
      const run = runner(options, interpreter, job, '')
      const targets = await targetsOf(run)
      await run(`resolve-${python}`, [PIP_PYTHON, ...downloadArguments(targets, job.allowScripts)])
      return formatLock(python, await readDownloads(join(job.work.tree, 'downloads')))
    } catch (error) {
      if (!(error instanceof CatwalkError) || error.code !== 'python_unavailable') throw error
      failure = error
    }
  }
  throw failure
}

/**
 * Installs the files of a lock file into a new environment, which is the work's tree.
 * @param afterwards installs what is not in the lock file, if there is such a thing
 * @throws CatwalkError as `resolvePython`
 */
export async function installPython(
  options: PythonOptions,
  lockFile: string,
  job: PythonJob,
  afterwards?: (run: RunPython) => Promise<void>,
): Promise<void> {
  const { python, files } = parseLock(lockFile)
  await provideDirectory(job.work.tree, options.identity, {})
  const interpreters = await findInterpreters(options.runStep, job.work, job.signal)
  const interpreter = interpreters.find(({ version }) => minorOf(version) === python)
  if (interpreter === undefined) {
    const has = interpreters.map(({ version }) => version).join(', ')
    throw new CatwalkError(
      'python_unavailable',
      `${job.label} was resolved for Python ${python}; this machine has ${has === '' ? 'none' : has}.`,
    )
  }
  const run = runner(options, interpreter, job, lockFile)
  await run('environment', [interpreter.path, '-I', '-m', 'venv', '--without-pip', INSIDE.package])
  if (files.length > 0) await run('install', [PIP_INSIDE.python, ...installArguments(job.allowScripts)])
  await afterwards?.(run)
}

function runner(
  options: PythonOptions,
  interpreter: Interpreter,
  job: PythonJob,
  requirements: string,
): RunPython {
  const { identity, cache } = options
  const { label, work, allowScripts, output, signal } = job
  return async (name, argv) => {
    const index = await options.index()
    await provideDirectory(cache, identity, {})
    await provideDirectory(work.configuration, identity, pipFiles(index, requirements))
    const pip = await ensurePip(options, interpreter, job)
    const result = await options.runStep(
      work,
      {
        name,
        argv,
        environment: pipEnvironment(index, minorOf(interpreter.version)),
        mounts: pipMounts({ pip, cache, configuration: work.configuration }),
        origins: index.origins,
      },
      output,
      signal,
    )
    if (result.end.exitCode !== 0) throw pipFailure(label, allowScripts, result, interpreter.version)
  }
}

async function readDownloads(directory: string): Promise<readonly LockedFile[]> {
  const names = await readdir(directory).catch(() => [])
  return Promise.all(
    names.map(async (file) => {
      const parsed = parseFileName(file)
      if (parsed === null)
        throw new CatwalkError('install_failed', 'The index offers a file of an unknown kind.')
      const hash = createHash('sha256')
        .update(await readFile(join(directory, file)))
        .digest('hex')
      return { ...parsed, hash }
    }),
  )
}
