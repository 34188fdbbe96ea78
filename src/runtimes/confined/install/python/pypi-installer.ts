import type { PypiPackage } from '../../../../domain/index.ts'
import type { PackageInstaller } from '../package-installer.ts'
import { installPython, resolvePython, type PythonOptions } from './pip-steps.ts'
import { checkPythonLock, parseLock } from './python-lock.ts'
import { pythonProgram } from './python-program.ts'

/** Installs with pip, of a Python of this host, into an environment (venv) of its own. */
export function createPypiInstaller(options: PythonOptions, spec: PypiPackage): PackageInstaller {
  const label = `${spec.name}@${spec.version}`
  return {
    label,
    interpreter: async (lockFile) => `python-${parseLock(lockFile).python}`,
    lock: async (work, allowScripts, output, signal) => {
      const job = { label, work, allowScripts, output, signal }
      const lockFile = await resolvePython(options, job, async () => [`${spec.name}==${spec.version}`])
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
