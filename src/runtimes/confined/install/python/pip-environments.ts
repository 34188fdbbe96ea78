import { access, chmod, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { CatwalkError } from '../../../../domain/index.ts'
import type { PythonJob, PythonOptions } from './pip-steps.ts'
import { provideDirectory } from '../work.ts'
import type { Interpreter } from './interpreters.ts'
import { PIP_INSIDE } from './pip-command.ts'

/**
 * Makes sure that there is an environment of this interpreter with the pip that it brings along, which installations see
 * read-only. Nothing is downloaded. Returns its directory.
 * @throws CatwalkError `python_unavailable`, and what running a step throws
 */
export async function ensurePip(
  { runStep, identity, directories }: PythonOptions,
  { path, version }: Interpreter,
  { work, output, signal }: PythonJob,
): Promise<string> {
  const directory = join(directories.toolchain, `python-${version}`)
  if (await exists(directory)) return directory
  const made = join(work.directory, 'pip')
  await provideDirectory(made, identity, {})
  const { end } = await runStep(
    work,
    {
      name: 'pip',
      argv: [path, '-I', '-m', 'venv', PIP_INSIDE.pip],
      environment: new Map(),
      mounts: [{ source: made, target: PIP_INSIDE.pip, writable: true }],
      origins: [],
    },
    output,
    signal,
  )
  if (end.exitCode !== 0) {
    throw new CatwalkError('python_unavailable', `Python ${version} cannot make an environment with pip.`)
  }
  await chmod(made, 0o755)
  await rename(made, directory).catch(async (error: unknown) => {
    // Another installation was faster.
    if (!(await exists(directory))) throw error
  })
  return directory
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
