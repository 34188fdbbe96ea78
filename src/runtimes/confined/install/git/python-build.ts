import { readdir } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { CatwalkError, type Snapshot } from '../../../../domain/index.ts'
import { INSIDE } from '../../command.ts'
import { installFileArguments, PIP_INSIDE, wheelArguments } from '../python/pip-command.ts'
import {
  installPython,
  PIP_PYTHON,
  resolvePython,
  type PythonOptions,
  type RunPython,
} from '../python/pip-steps.ts'
import { formatLock, parseFileName, parseLock } from '../python/python-lock.ts'
import type { BuildJob } from './git-installer.ts'
import { copySnapshot } from './tree.ts'

/** Where the repository lies in the environment. */
export const SOURCE = 'source'
const BUILT = 'built'

/** Whether a folder says itself how it is built; otherwise it has at most a list of what it needs. */
function isProject(snapshot: Snapshot, folder: string): boolean {
  if (snapshot.files.has(posix.join(folder, 'setup.py'))) return true
  const text = snapshot.text(posix.join(folder, 'pyproject.toml')) ?? ''
  return /^\[(?:project|tool\.poetry)\]/m.test(text)
}

/** Finds out what a project needs besides itself. Returns a lock file of Python packages. */
export async function lockPythonProject(
  options: PythonOptions,
  snapshot: Snapshot,
  folder: string,
  job: BuildJob,
): Promise<string> {
  await copySnapshot(snapshot, join(job.work.tree, SOURCE), {}, options.identity)
  let own: string | null = null
  const lockFile = await resolvePython(options, job, async (run) => {
    if (isProject(snapshot, folder)) {
      own = await buildWheel(run, folder, job)
      return [`${INSIDE.package}/${BUILT}/${own}`]
    }
    const requirements = posix.join(folder, 'requirements.txt')
    return snapshot.files.has(requirements) ? ['-r', `${INSIDE.package}/${SOURCE}/${requirements}`] : []
  })
  const { python, files } = parseLock(lockFile)
  const ownName = own === null ? null : parseFileName(own)?.name
  return formatLock(
    python,
    files.filter(({ name }) => name !== ownName),
  )
}

/** Installs what a project needs, and the project itself, into the work's tree. */
export async function buildPythonProject(
  options: PythonOptions,
  snapshot: Snapshot,
  folder: string,
  lockFile: string,
  job: BuildJob,
): Promise<void> {
  await copySnapshot(snapshot, join(job.work.tree, SOURCE), {}, options.identity)
  await installPython(options, lockFile, job, async (run) => {
    if (!isProject(snapshot, folder)) return
    const wheel = await buildWheel(run, folder, job)
    await run('install-own', [PIP_INSIDE.python, ...installFileArguments(`${BUILT}/${wheel}`)])
  })
}

async function buildWheel(run: RunPython, folder: string, { work, label }: BuildJob): Promise<string> {
  await run('build', [PIP_PYTHON, ...wheelArguments(posix.join(SOURCE, folder), BUILT)])
  const [wheel] = await readdir(join(work.tree, BUILT))
  if (wheel === undefined || parseFileName(wheel) === null) {
    throw new CatwalkError('install_failed', `${label} could not be built: there is no wheel.`)
  }
  return wheel
}
