import {
  CatwalkError,
  chooseExecutable,
  type Analysis,
  type LaunchPackage,
  type PackageIndex,
  type PypiIndex,
} from '../domain/index.ts'

export interface Indexes {
  readonly npm: PackageIndex
  readonly pypi: PypiIndex
}

/**
 * What a release installs of an analysed source, pinned and with its integrity.
 * @param executable which one to run; null for the one that the analysis found
 * @throws CatwalkError `source_not_deployable`, and what the indexes throw
 */
export async function toPackage(
  { launch }: Analysis,
  executable: string | null,
  { npm, pypi }: Indexes,
  signal: AbortSignal,
): Promise<LaunchPackage> {
  if (launch === null) throw refusal('Nothing in it says how it is started.')
  const { registry, name, version } = launch.package
  switch (registry) {
    case 'npm': {
      const info = await npm.resolve(name, version, signal)
      const found = info.executables.includes(launch.command) ? launch.command : null
      return {
        kind: 'npm',
        name: info.name,
        version: info.version,
        integrity: info.integrity,
        executable: chooseExecutable(info, executable ?? found),
      }
    }
    case 'pypi': {
      const info = await pypi.resolve(name, version, signal)
      return {
        kind: 'pypi',
        name: info.name,
        version: info.version,
        hashes: info.hashes,
        program: { kind: 'script', name: executable ?? launch.command },
      }
    }
    case 'git':
      throw refusal('It is not published, and servers cannot be built from their repository yet.')
    case 'oci':
      throw refusal('Images cannot be deployed yet.')
    case 'remote':
      throw refusal('Remote servers cannot be deployed yet.')
  }
}

function refusal(message: string): CatwalkError {
  return new CatwalkError('source_not_deployable', message, { details: { field: 'source' } })
}
