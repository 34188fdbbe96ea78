import { copyFile, mkdir, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { SnapshotFile } from '../domain/index.ts'

/** Writes checked files below a fresh directory, regular files only. */
export interface TreeWriter {
  /** Begins to write; {@link settle} waits for it. */
  write(path: string, content: Buffer, executable: boolean): void
  /** A link inside the tree becomes a copy of its target when everything is written. */
  link(path: string, target: string): void
  /** Waits until all that was begun is written. */
  settle(): Promise<void>
  /** Waits until nothing is being written any more, whatever came of it. */
  abandon(): Promise<void>
  /** Makes the copies and returns all files, sorted by path. */
  finish(maxBytes: number): Promise<readonly SnapshotFile[]>
}

export function createTreeWriter(directory: string): TreeWriter {
  const files = new Map<string, SnapshotFile>()
  const links: { readonly path: string; readonly target: string }[] = []
  const folders = new Map<string, Promise<unknown>>()
  const pending: Promise<void>[] = []

  const makeFolder = (path: string): Promise<unknown> => {
    const made = folders.get(path) ?? mkdir(join(directory, path), { recursive: true, mode: 0o755 })
    folders.set(path, made)
    return made
  }

  return {
    write: (path, content, executable) => {
      files.set(path, { path, bytes: content.length })
      const writing = makeFolder(dirname(path)).then(() =>
        // There is no link in the directory, and a file that exists is an error.
        writeFile(join(directory, path), content, { flag: 'wx', mode: executable ? 0o755 : 0o644 }),
      )
      // Reported by settle(); until then it must not count as unhandled.
      writing.catch(() => undefined)
      pending.push(writing)
    },
    link: (path, target) => void links.push({ path, target }),
    settle: async () => {
      await Promise.all(pending.splice(0))
    },
    abandon: async () => {
      await Promise.allSettled(pending.splice(0))
    },
    finish: async (maxBytes) => {
      await Promise.all(pending.splice(0))
      let bytes = [...files.values()].reduce((sum, file) => sum + file.bytes, 0)
      for (const { path, target } of links) {
        // A link to a folder, to another link or to nothing is left out: no reader needs it.
        const file = files.get(target)
        if (file === undefined || files.has(path)) continue
        bytes += file.bytes
        if (bytes > maxBytes) break
        await makeFolder(dirname(path))
        await copyFile(join(directory, target), join(directory, path))
        files.set(path, { path, bytes: (await stat(join(directory, path))).size })
      }
      return [...files.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1))
    },
  }
}
