import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { CatwalkError, quoted, type PythonProgram } from '../../../../domain/index.ts'
import { INSIDE } from '../../command.ts'
import { PIP_INSIDE } from './pip-command.ts'

/**
 * How a program of an environment is started.
 * @throws CatwalkError `no_executable`, with the scripts that there are
 */
export async function pythonProgram(
  installation: string,
  label: string,
  program: PythonProgram,
): Promise<readonly string[]> {
  const { name } = program
  if (program.kind === 'module') {
    if (!/^[A-Za-z_][\w.]*$/.test(name))
      throw new CatwalkError('no_executable', `${quoted(name)} is no module.`)
    return [PIP_INSIDE.python, '-m', name]
  }
  const found = /^[\w.-]+$/.test(name) ? await lstat(join(installation, 'bin', name)).catch(() => null) : null
  // The interpreters are links; scripts that pip makes are files.
  if (found?.isFile() === true) return [PIP_INSIDE.python, `${INSIDE.package}/bin/${name}`]
  const entries = await readdir(join(installation, 'bin'), { withFileTypes: true }).catch(() => [])
  const scripts = entries.filter((entry) => entry.isFile() && !/^[Aa]ctivate/.test(entry.name))
  const choices = scripts.map((entry) => quoted(entry.name)).join(', ')
  throw new CatwalkError(
    'no_executable',
    `${label} has no script ${quoted(name)}. It has: ${choices === '' ? 'none' : choices}.`,
  )
}
