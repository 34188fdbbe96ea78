import { execFile } from 'node:child_process'
import { access, chmod, lchown, lstat, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Directories } from '../directories.ts'

/** Installed packages. An entry is complete or absent, and never changes. */
export interface Store {
  /** Where the entry of this key is or would be. */
  pathOf(key: string): string
  has(key: string): Promise<boolean>
  /** A new, empty directory for work that may become an entry. */
  makeWork(): Promise<string>
  /** Turns a directory inside work into the entry of this key; if there is one already, that one stays. */
  publish(key: string, directory: string): Promise<void>
  /** Removes work. Also what cannot be removed at once because of its permissions. */
  discard(work: string): Promise<void>
}

/** `asRoot`: entries are made root's, so that not even installations can change them. */
export function createStore(directories: Directories, asRoot: boolean): Store {
  const pathOf = (key: string): string => join(directories.store, key)
  const has = async (key: string): Promise<boolean> =>
    access(pathOf(key)).then(
      () => true,
      () => false,
    )
  return {
    pathOf,
    has,
    makeWork: async () => {
      const work = await mkdtemp(join(directories.temporary, 'install-'))
      await chmod(work, 0o711)
      return work
    },
    publish: async (key, directory) => {
      await seal(directory, asRoot)
      // All of it must be on the disk before its name says that it is complete.
      await promisify(execFile)('sync', ['--file-system', directory], { timeout: 120_000 })
      try {
        await rename(directory, pathOf(key))
      } catch (error) {
        if (!(await has(key))) throw error
      }
    },
    discard: async (work) => {
      await rm(work, { recursive: true, force: true })
    },
  }
}

/**
 * Gives a tree its final owner and permissions: readable for all, writable for none but the owner, no set-user-id. Links
 * are not followed. Called when no process of the installation is left.
 * @throws Error for anything that is neither a file nor a directory nor a link
 */
async function seal(path: string, asRoot: boolean): Promise<void> {
  const found = await lstat(path)
  if (asRoot) await lchown(path, 0, 0)
  if (found.isSymbolicLink()) return
  if (found.isDirectory()) {
    await chmod(path, 0o755)
    for (const name of await readdir(path)) await seal(join(path, name), asRoot)
  } else if (found.isFile()) {
    await chmod(path, (found.mode & 0o111) === 0 ? 0o644 : 0o755)
  } else {
    throw new Error('an installation may hold files, directories and links only')
  }
}
