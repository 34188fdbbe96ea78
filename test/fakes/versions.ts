import {
  chooseExecutable,
  CatwalkError,
  type LaunchPackage,
  type PackageIndex,
  type VersionFinder,
  type VersionTrial,
} from '../../src/domain/index.ts'
import { MANIFEST } from './runtime.ts'

export interface FakeVersions extends VersionFinder {
  /** What is tried out, by version. Replace to show other things, wait or fail. */
  onTry: (version: string, signal: AbortSignal) => Promise<VersionTrial>
  /** The newest version; null for what serves. Replace to fail. */
  onNewest: () => Promise<string | null>
  /** Versions that were tried out, in order. */
  readonly tried: string[]
  /** How often the newest version was asked for. */
  readonly looked: () => number
}

/** Versions of packages of npm that say what a test wants. */
export function createFakeVersions(packages: PackageIndex): FakeVersions {
  let looked = 0
  const at = async (pkg: LaunchPackage, version: string, signal: AbortSignal): Promise<LaunchPackage> => {
    if (pkg.kind !== 'npm') throw new CatwalkError('invalid_request', 'Only npm here.')
    const info = await packages.resolve(pkg.name, version, signal)
    return { ...pkg, version: info.version, executable: chooseExecutable(info, null) }
  }
  const fake: FakeVersions = {
    tried: [],
    looked: () => looked,
    onNewest: async () => null,
    onTry: async () => ({ manifest: MANIFEST, failure: null, requires: [] }),
    async newest(_workspaceId, pkg, _tracked, signal) {
      looked += 1
      const version = await fake.onNewest()
      if (version === null || (pkg.kind === 'npm' && pkg.version === version)) return null
      return { package: await at(pkg, version, signal), version, publishedAt: null, deprecated: null }
    },
    at: (_workspaceId, pkg, version, signal) => at(pkg, version, signal),
    async tryOut(_workspaceId, { package: pkg }, _memoryMiB, signal) {
      const version = pkg.kind === 'npm' ? pkg.version : ''
      fake.tried.push(version)
      return fake.onTry(version, signal)
    },
  }
  return fake
}
