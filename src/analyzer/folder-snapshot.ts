import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import type { Snapshot, SnapshotFile } from '../domain/index.ts'

const LARGEST_TEXT = 1024 * 1024

/** What names a snapshot to another process on this machine. */
export interface SnapshotAddress {
  readonly directory: string
  readonly commit: string | null
  readonly path: string
  readonly files: readonly SnapshotFile[]
}

/** Opens a snapshot that lies in a folder, in this or another process than the one which made it. */
export function openSnapshot({ directory, commit, path, files }: SnapshotAddress): Snapshot {
  const known = new Map(files.map((file) => [file.path, file]))
  return {
    directory,
    commit,
    path,
    files: known,
    text: (wanted, maxBytes = LARGEST_TEXT) => {
      const file = known.get(wanted)
      if (file === undefined || file.bytes > maxBytes) return null
      try {
        const content = readFileSync(join(directory, wanted))
        return content.length > maxBytes ? null : new TextDecoder('utf-8', { fatal: true }).decode(content)
      } catch {
        return null
      }
    },
  }
}

/** The files of a folder as a snapshot: regular files only, by path, sorted. */
export function snapshotOfFolder(
  directory: string,
  options: { path?: string; commit?: string | null } = {},
): Snapshot {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => {
      const full = join(entry.parentPath, entry.name)
      return { path: relative(directory, full).split(sep).join('/'), bytes: statSync(full).size }
    })
    .toSorted((a, b) => (a.path < b.path ? -1 : 1))
  return openSnapshot({ directory, commit: options.commit ?? null, path: options.path ?? '', files })
}
