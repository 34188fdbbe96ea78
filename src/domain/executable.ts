import { CatwalkError } from './errors.ts'
import { quoted } from './quoted.ts'
import type { PackageInfo } from './packages.ts'

/**
 * Which executable of a package to run: the wanted one, the only one, or the one named like the package.
 * @throws CatwalkError `no_executable` when there is none, or none that is obvious
 */
export function chooseExecutable(info: PackageInfo, wanted: string | null): string {
  const { executables } = info
  const label = `${info.name}@${info.version}`
  if (executables.length === 0) {
    throw new CatwalkError('no_executable', `Package ${label} has no executable, so there is nothing to run.`)
  }
  if (wanted !== null) {
    if (executables.includes(wanted)) return wanted
    throw new CatwalkError(
      'no_executable',
      `Package ${label} has no executable ${quoted(wanted)}. It has: ${executables.map(quoted).join(', ')}.`,
    )
  }
  const [only] = executables
  if (only !== undefined && executables.length === 1) return only
  const baseName = info.name.split('/').at(-1)
  const namesake = executables.find((name) => name === baseName || name === info.name)
  if (namesake !== undefined) return namesake
  throw new CatwalkError(
    'no_executable',
    `Package ${label} has several executables: ${executables.map(quoted).join(', ')}.`,
    {
      help: 'Name the one to run (CLI: --executable NAME).',
      details: { field: 'executable', choices: executables },
    },
  )
}
