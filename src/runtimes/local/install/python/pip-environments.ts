import { execFile } from 'node:child_process'
import { access, chmod, mkdtemp, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { CatwalkError } from '../../../../domain/index.ts'
import type { Directories } from '../../directories.ts'
import type { Interpreter } from './interpreters.ts'

/**
 * Makes sure that there is an environment of this interpreter with the pip that it brings along, which installations see
 * read-only. Nothing is downloaded. Returns its directory.
 * @throws CatwalkError `python_unavailable`
 */
export async function ensurePip(directories: Directories, { path, version }: Interpreter): Promise<string> {
  const directory = join(directories.toolchain, `python-${version}`)
  if (await exists(directory)) return directory
  const work = await mkdtemp(join(directories.temporary, 'python-'))
  try {
    await promisify(execFile)(path, ['-I', '-m', 'venv', work], { env: {}, timeout: 120_000 })
    await chmod(work, 0o755)
    await rename(work, directory).catch(async (error: unknown) => {
      // Another installation was faster.
      if (!(await exists(directory))) throw error
    })
  } catch (error) {
    throw new CatwalkError('python_unavailable', `Python ${version} cannot make an environment with pip.`, {
      cause: error,
    })
  } finally {
    await rm(work, { recursive: true, force: true })
  }
  return directory
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
