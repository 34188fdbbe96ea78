import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CatwalkError, type LineSink, type PypiPackage } from '../../../../domain/index.ts'
import type { Directories } from '../../directories.ts'
import type { Identity } from '../../identities.ts'
import { INSIDE } from '../../sandbox/confined-command.ts'
import type { PackageInstaller } from '../package-installer.ts'
import type { RunStep, StepResult } from '../run-step.ts'
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
import { demandedPython, pipFailure } from './pip-failure.ts'
import { checkPythonLock, formatLock, parseFileName, parseLock, type LockedFile } from './python-lock.ts'
import { pythonProgram } from './python-program.ts'

export interface PythonOptions {
  readonly runStep: RunStep
  readonly identity: Identity | null
  readonly directories: Directories
  readonly index: () => Promise<PythonIndex>
}

/** Installs with pip, of a Python of this host, into an environment (venv) of its own. */
export function createPypiInstaller(options: PythonOptions, spec: PypiPackage): PackageInstaller {
  const label = `${spec.name}@${spec.version}`
  return {
    label,
    interpreter: async (lockFile) => `python-${parseLock(lockFile).python}`,
    lock: async (work, allowScripts, output, signal) => {
      const lockFile = await resolvePython(options, `${spec.name}==${spec.version}`, {
        label,
        work,
        allowScripts,
        output,
        signal,
      })
      checkPythonLock(lockFile, spec)
      return lockFile
    },
    check: (lockFile) => checkPythonLock(lockFile, spec),
    install: async (work, lockFile, allowScripts, output, signal) => {
      await installPython(options, lockFile, { label, work, allowScripts, output, signal })
      await pythonProgram(work.tree, label, spec.program)
    },
    program: async (installation) => pythonProgram(installation, label, spec.program),
  }
}

interface Job {
  readonly label: string
  readonly work: Work
  readonly allowScripts: boolean
  readonly output: LineSink
  readonly signal: AbortSignal
}

/**
 * Finds out which files a requirement needs, on the newest Python of this host that it takes.
 * @returns a lock file
 */
async function resolvePython(options: PythonOptions, requirement: string, job: Job): Promise<string> {
  const interpreters = await findInterpreters()
  let demanded: string | null = null
  for (const interpreter of interpreters) {
    await provideDirectory(job.work.tree, options.identity, {})
    const result = await runPip(options, interpreter, job, {
      name: `resolve-${minorOf(interpreter.version)}`,
      argv: [`${PIP_INSIDE.pip}/bin/python`, ...downloadArguments(requirement, job.allowScripts)],
      requirements: '',
    })
    if (result.end.exitCode === 0) {
      return formatLock(minorOf(interpreter.version), await readDownloads(join(job.work.tree, 'downloads')))
    }
    demanded = demandedPython(result)
    if (demanded === null) throw pipFailure(job.label, job.allowScripts, result)
  }
  throw noPython(job.label, demanded, interpreters)
}

/** Installs the files of a lock file into a new environment, which is the work's tree. */
async function installPython(options: PythonOptions, lockFile: string, job: Job): Promise<void> {
  const { python } = parseLock(lockFile)
  const interpreters = await findInterpreters()
  const interpreter = interpreters.find(({ version }) => minorOf(version) === python)
  if (interpreter === undefined) throw noPython(job.label, python, interpreters)
  await provideDirectory(job.work.tree, options.identity, {})
  const steps = [
    { name: 'environment', argv: [interpreter.path, '-I', '-m', 'venv', '--without-pip', INSIDE.package] },
    { name: 'install', argv: [PIP_INSIDE.python, ...installArguments(job.allowScripts)] },
  ]
  for (const step of steps) {
    const result = await runPip(options, interpreter, job, { ...step, requirements: lockFile })
    if (result.end.exitCode !== 0) throw pipFailure(job.label, job.allowScripts, result)
  }
}

async function runPip(
  options: PythonOptions,
  interpreter: Interpreter,
  { work, output, signal }: Job,
  step: { readonly name: string; readonly argv: readonly string[]; readonly requirements: string },
): Promise<StepResult> {
  const { identity, directories } = options
  const index = await options.index()
  const cache = join(directories.cache, 'pip')
  await provideDirectory(cache, identity, {})
  await provideDirectory(work.configuration, identity, pipFiles(index, step.requirements))
  const pip = await ensurePip(directories, interpreter)
  return options.runStep(
    work,
    {
      name: step.name,
      argv: step.argv,
      environment: pipEnvironment(index, minorOf(interpreter.version)),
      mounts: pipMounts({ pip, cache, configuration: work.configuration }),
      origins: index.origins,
    },
    output,
    signal,
  )
}

async function readDownloads(directory: string): Promise<readonly LockedFile[]> {
  const names = await readdir(directory)
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

function noPython(
  label: string,
  demanded: string | null,
  interpreters: readonly Interpreter[],
): CatwalkError {
  const has = interpreters.map(({ version }) => version).join(', ')
  const message =
    has === ''
      ? `${label} needs Python, and this machine has none that can make environments (venv).`
      : `${label} needs Python ${demanded ?? ''}; this machine has ${has}.`
  return new CatwalkError('python_unavailable', message)
}
