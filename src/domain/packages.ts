/** What an index knows of one exact version. */
export interface PackageInfo {
  readonly name: string
  readonly version: string
  readonly description: string | null
  readonly integrity: string
  /** Names of its executables, in the index's order. */
  readonly executables: readonly string[]
  readonly repository: string | null
  readonly license: string | null
  readonly deprecated: string | null
  readonly publishedAt: Date | null
  readonly hasInstallScripts: boolean
  readonly unpackedBytes: number | null
}

/** Looks packages up. */
export interface PackageIndex {
  /**
   * Resolves a name and an exact version or tag (null: latest) to one version.
   * @throws CatwalkError `package_not_found`, `version_not_found`, `package_index_unavailable`
   */
  resolve(name: string, version: string | null, signal: AbortSignal): Promise<PackageInfo>
}
