import { execFile } from 'node:child_process'
import {
  access,
  chmod,
  lchown,
  lstat,
  mkdtemp,
  readdir,
  rename,
  rm,
  stat,
  symlink,
  utimes,
} from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { INSIDE } from '../command.ts'
import type { Directories } from '../directories.ts'

/** Installed packages. An entry is complete or absent, and never changes. */
export interface Store {
  /** Where the entry of this key is or would be. */
  pathOf(key: string): string
  /** Whether there is an entry of this key. It then counts as used now. */
  has(key: string): Promise<boolean>
  /** Whether there is an entry whose key begins like this. */
  hasLike(beginning: string): Promise<boolean>
  /** Keeps the entry, if there is one, from being removed. @returns lets it go */
  hold(key: string): Promise<() => void>
  /** A new, empty directory for work that may become an entry. */
  makeWork(): Promise<string>
  /** Turns a directory inside work into the entry of this key; if there is one already, that one stays. */
  publish(key: string, directory: string): Promise<void>
  /** Removes work. Also what cannot be removed at once because of its permissions. */
  discard(work: string): Promise<void>
  /** Every entry, the one that was used the longest time ago first. */
  entries(): Promise<readonly StoreEntry[]>
  /**
   * Removes an entry unless somebody holds it, or used it since. A crash in the middle leaves it whole, or absent with
   * rubbish to sweep.
   */
  remove(entry: StoreEntry): Promise<boolean>
}

export interface StoreEntry {
  readonly key: string
  readonly usedAt: Date
}

/** `asRoot`: entries are made root's, so that not even installations can change them. */
export function createStore(directories: Directories, asRoot: boolean): Store {
  const pathOf = (key: string): string => join(directories.store, key)
  const held = new Map<string, number>()
  const leaving = new Map<string, Promise<void>>()
  const exists = async (key: string): Promise<boolean> =>
    access(pathOf(key)).then(
      () => true,
      () => false,
    )
  /** Whether there is such an entry; the time of its directory says when it was last used. */
  const use = async (key: string): Promise<boolean> => {
    const now = new Date()
    return utimes(pathOf(key), now, now).then(
      () => true,
      async () => exists(key),
    )
  }
  return {
    pathOf,
    has: use,
    hasLike: async (beginning) => (await readdir(directories.store)).some((key) => key.startsWith(beginning)),
    hold: async (key) => {
      await leaving.get(key)
      held.set(key, (held.get(key) ?? 0) + 1)
      let isHeld = true
      return () => {
        if (!isHeld) return
        isHeld = false
        const others = (held.get(key) ?? 1) - 1
        if (others === 0) held.delete(key)
        else held.set(key, others)
      }
    },
    makeWork: async () => {
      const work = await mkdtemp(join(directories.temporary, 'install-'))
      await chmod(work, 0o711)
      return work
    },
    publish: async (key, directory) => {
      await seal(directory, asRoot)
      // All of it must be on the disk before its name says that it is complete.
      await promisify(execFile)('sync', ['--file-system', directory], { timeout: 120_000 })
      await leaving.get(key)
      try {
        await rename(directory, pathOf(key))
      } catch (error) {
        if (!(await exists(key))) throw error
      }
      await use(key)
    },
    discard: async (work) => {
      await rm(work, { recursive: true, force: true })
    },
    entries: async () => {
      const names = await readdir(directories.store)
      const found = await Promise.all(
        names.map(async (key) =>
          stat(pathOf(key)).then(
            ({ mtime }) => ({ key, usedAt: mtime }),
            () => null,
          ),
        ),
      )
      return found
        .filter((entry) => entry !== null)
        .toSorted((a, b) => a.usedAt.getTime() - b.usedAt.getTime())
    },
    remove: async ({ key, usedAt }) => {
      const { mtime } = await stat(pathOf(key))
      if (held.has(key) || mtime.getTime() !== usedAt.getTime()) return false
      // Whoever wants it from now on waits, and finds it gone.
      const moved = mkdtemp(join(directories.temporary, 'evicted-')).then(async (rubbish) => {
        await rename(pathOf(key), join(rubbish, 'tree'))
        return rubbish
      })
      const left = moved.then(
        () => undefined,
        () => undefined,
      )
      leaving.set(key, left)
      try {
        await rm(await moved, { recursive: true, force: true })
        return true
      } finally {
        if (leaving.get(key) === left) leaving.delete(key)
      }
    },
  }
}

/**
 * A directory that was published with nothing but logs in it is where a program writes them, and some end when they
 * cannot: what is written there goes where every process has a directory of its own in memory.
 */
async function leadToMemory(path: string, asRoot: boolean): Promise<void> {
  await rm(path, { recursive: true })
  await symlink(INSIDE.temporary, path)
  if (asRoot) await lchown(path, 0, 0)
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
    const names = await readdir(path)
    if (names.length > 0 && names.every((name) => name.endsWith('.log'))) {
      await leadToMemory(path, asRoot)
      return
    }
    await chmod(path, 0o755)
    await Promise.all(names.map((name) => seal(join(path, name), asRoot)))
  } else if (found.isFile()) {
    await chmod(path, (found.mode & 0o111) === 0 ? 0o644 : 0o755)
  } else {
    throw new Error('an installation may hold files, directories and links only')
  }
}
