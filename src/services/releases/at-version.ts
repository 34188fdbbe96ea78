import { CatwalkError, chooseExecutable, type LaunchSpec, type PackageIndex } from '../../domain/index.ts'

/**
 * The launch spec with another version of its package; the same object when that is the version it has.
 * @param version exact, or a tag
 * @throws CatwalkError `version_not_found`, `package_not_found`, `package_index_unavailable`, `no_executable`,
 *   `invalid_request` for a package that has no versions to choose from
 */
export async function atVersion(
  packages: PackageIndex,
  spec: LaunchSpec,
  version: string,
  signal: AbortSignal,
): Promise<LaunchSpec> {
  const { package: pkg } = spec
  if (pkg.kind !== 'npm') {
    throw new CatwalkError(
      'invalid_request',
      'Only packages of npm can be moved to another version so far.',
      {
        help: 'Deploy the other version from its source.',
        details: { field: 'version' },
      },
    )
  }
  const info = await packages.resolve(pkg.name, version, signal)
  if (info.version === pkg.version) return spec
  const executable = info.executables.includes(pkg.executable) ? pkg.executable : chooseExecutable(info, null)
  return { ...spec, package: { ...pkg, version: info.version, integrity: info.integrity, executable } }
}
