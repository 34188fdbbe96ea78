import type { Readable } from 'node:stream'
import type { OciSource } from './source.ts'

/** The file that holds a published package. */
export interface PackageArchive {
  readonly url: string
  readonly format: 'tar.gz' | 'zip'
  /** Subresource integrity, `sha512-…` or `sha256-…`; whoever downloads checks it. */
  readonly integrity: string
}

/** What an index knows of one exact version. */
export interface PackageInfo {
  readonly name: string
  readonly version: string
  readonly description: string | null
  readonly integrity: string
  /** Names of its executables, in the index's order. */
  readonly executables: readonly string[]
  readonly repository: string | null
  /** The package's folder in the repository, `''` where it does not say. */
  readonly repositoryFolder: string
  readonly license: string | null
  readonly deprecated: string | null
  readonly publishedAt: Date | null
  readonly hasInstallScripts: boolean
  /** Versions of Node that it says it runs on, a semver range. */
  readonly nodeRange: string | null
  readonly unpackedBytes: number | null
  /** Null when the index names no file. */
  readonly archive: PackageArchive | null
}

/** Gives the file of a package. */
interface Downloads {
  /**
   * The bytes as the index has them; their integrity is the caller's to check.
   * @throws CatwalkError `package_index_unavailable`
   */
  download(archive: PackageArchive, signal: AbortSignal): Promise<Readable>
}

/** Looks packages up. */
export interface PackageIndex extends Downloads {
  /**
   * Resolves a name and an exact version or tag (null: latest) to one version.
   * @throws CatwalkError `package_not_found`, `version_not_found`, `package_index_unavailable`
   */
  resolve(name: string, version: string | null, signal: AbortSignal): Promise<PackageInfo>
  /** Downloads of the last week; null where nobody says. Never fails. */
  weeklyDownloads(name: string, signal: AbortSignal): Promise<number | null>
}

/** What the Python index knows of one exact version. */
export interface PypiInfo {
  /** Normalised (PEP 503). */
  readonly name: string
  readonly version: string
  readonly description: string | null
  /** SHA-256 in hex of every file of this version. */
  readonly hashes: readonly string[]
  /** Names of the commands that it installs; null when no wheel says. */
  readonly consoleScripts: readonly string[] | null
  /** Versions of Python that it says it runs on, a PEP 440 specifier. */
  readonly requiresPython: string | null
  /** Why this version was withdrawn, `''` for no reason; null when it was not. */
  readonly yanked: string | null
  readonly repository: string | null
  readonly license: string | null
  readonly publishedAt: Date | null
  /** The source distribution where there is one, otherwise a wheel. */
  readonly archive: PackageArchive
  /** Whether installing runs code of the package: there is no wheel. */
  readonly hasInstallScripts: boolean
}

/** Looks Python packages up. */
export interface PypiIndex extends Downloads {
  /**
   * Resolves a name and an exact version (null: the newest that is neither a pre-release nor yanked).
   * @throws CatwalkError `package_not_found`, `version_not_found`, `package_index_unavailable`
   */
  resolve(name: string, version: string | null, signal: AbortSignal): Promise<PypiInfo>
}

/** What a registry knows of one image. */
export interface ImageInfo {
  readonly registry: string
  readonly repository: string
  readonly tag: string | null
  /** Of the index or manifest that the name stands for now; what a release pins. */
  readonly digest: string
  /** `os/architecture` of each. */
  readonly platforms: readonly string[]
  /** `NAME=value` */
  readonly environment: readonly string[]
  readonly entrypoint: readonly string[]
  readonly command: readonly string[]
  readonly labels: Readonly<Record<string, string>>
  /** Such as `8080/tcp`. */
  readonly ports: readonly string[]
  readonly createdAt: Date | null
  readonly compressedBytes: number
}

/** Looks images up. */
export interface ImageIndex {
  /**
   * @throws CatwalkError `package_not_found`, `version_not_found` for no image of our platform, `source_refused`,
   *   `package_index_unavailable`
   */
  resolve(source: OciSource, signal: AbortSignal): Promise<ImageInfo>
}
