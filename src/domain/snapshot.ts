/** A file of a snapshot. */
export interface SnapshotFile {
  /** Relative to the snapshot's root, with forward slashes, normalised; never leads out of it. */
  readonly path: string
  readonly bytes: number
}

/**
 * The files of a source at one commit or version, read-only, on this machine. Everything in it is hostile: it was
 * unpacked within limits, holds regular files only (no links, no devices), and is never executed where it lies.
 */
export interface Snapshot {
  /** Absolute path of the folder that holds it. A worker thread or a sandbox can open the same snapshot from here. */
  readonly directory: string
  /** Full git commit hash, or null when the source is a published package. */
  readonly commit: string | null
  /** The sub-folder that was asked for, `''` for the root. Files outside it are there as well. */
  readonly path: string
  /** By path, sorted. */
  readonly files: ReadonlyMap<string, SnapshotFile>
  /** The text of a file, or null when there is none, it is larger than `maxBytes` (default 1 MiB) or it is not UTF-8. */
  text(path: string, maxBytes?: number): string | null
}
