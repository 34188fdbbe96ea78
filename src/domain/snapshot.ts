import type { PackageIndex, PypiIndex } from './packages.ts'
import type { Secret } from './secret.ts'
import type { BundleSource, GithubSource, GitSource, NpmSource, PypiSource } from './source.ts'

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

/** A source whose files can be read. */
export type ReadableSource = GithubSource | GitSource | NpmSource | PypiSource | BundleSource

/** What a source stands for at one moment. The same pin always gives the same files. */
export interface PinnedSource {
  /** With the full commit as `ref`, or with an exact version; names as the host spells them today. */
  readonly source: ReadableSource
  /** Identifies the content: a full commit hash, the integrity of a package or the SHA-256 of a bundle. A key to cache by. */
  readonly content: string
  /** Page or address of it for people, at this commit or version. */
  readonly url: string
}

export interface SourceOptions {
  /** For private repositories; goes only to the host of the source. */
  readonly token: Secret | null
  /**
   * Whose rights these are, where they are more than everybody's here: what is read with them is kept for this owner
   * alone. Left out for those of the installation.
   */
  readonly owner?: string
  /** Where packages are looked up; the installation's own indexes unless it is said. */
  readonly indexes?: { readonly npm: PackageIndex; readonly pypi: PypiIndex }
  readonly signal: AbortSignal
}

/** A snapshot that stays on this machine at least until it is disposed of. */
export interface HeldSnapshot extends Snapshot, AsyncDisposable {}

/** Reads sources. */
export interface SourceHost {
  /** For `parseSource`. */
  readonly githubHosts: readonly string[]
  /**
   * Finds the commit or exact version that a source stands for now, without downloading its files.
   * @throws CatwalkError `source_not_found`, `source_forbidden`, `source_rate_limited`, `source_unavailable`,
   *   `source_refused` for an address that may not be asked; for packages the errors of {@link PackageIndex}
   */
  pin(source: ReadableSource, options: SourceOptions): Promise<PinnedSource>
  /**
   * Names of tags with their commits; of GitHub the hundred that it lists first.
   * @throws CatwalkError those of `pin`
   */
  tags(source: GithubSource | GitSource, options: SourceOptions): Promise<ReadonlyMap<string, string>>
  /**
   * The files of a pinned source, from the cache where it has them.
   * @throws CatwalkError those of `pin`, `source_too_large`, `source_malformed` for an archive with links, devices, paths
   *   that lead out or names that clash, `source_timeout`
   */
  open(pinned: PinnedSource, options: SourceOptions): Promise<HeldSnapshot>
}
