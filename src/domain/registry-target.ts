import type { RegistryEntry, RegistryPackage } from './registry.ts'
import type { GithubSource, GitSource, NpmSource, PypiSource } from './source.ts'
import { parseSource } from './source/parse.ts'

/** What a server of a registry is deployed from. */
export type RegistryTarget =
  | { readonly kind: 'package'; readonly source: NpmSource | PypiSource; readonly package: RegistryPackage }
  /** `instead` is a package that cannot be run here, such as an image; null when the entry names none. */
  | {
      readonly kind: 'repository'
      readonly source: GithubSource | GitSource
      readonly instead: RegistryPackage | null
    }
  /** Someone else runs it. */
  | { readonly kind: 'remote'; readonly url: string }
  | { readonly kind: 'nothing' }

type Named = Pick<RegistryEntry, 'document' | 'repository' | 'folder'>

/**
 * A published package that speaks over stdio comes first, because it is what the publisher tested; then the repository;
 * for servers that only run elsewhere their address.
 */
export function registryTarget(entry: Named): RegistryTarget {
  const { packages, remotes } = entry.document
  for (const registryType of ['npm', 'pypi'] as const) {
    for (const named of packages) {
      if (named.registryType !== registryType || named.transport.type !== 'stdio') continue
      const source = packageSource(named)
      if (source !== null) return { kind: 'package', source, package: named }
    }
  }
  const [remote] = remotes
  const repository = packages.length === 0 && remote !== undefined ? null : repositorySource(entry)
  if (repository !== null) return { kind: 'repository', source: repository, instead: packages[0] ?? null }
  return remote === undefined ? { kind: 'nothing' } : { kind: 'remote', url: remote.url }
}

function packageSource({
  registryType,
  identifier,
  version,
}: RegistryPackage): NpmSource | PypiSource | null {
  // Some write `latest`, which is no version of PyPI.
  const exact =
    version === null || version === 'latest' ? '' : `${registryType === 'pypi' ? '==' : '@'}${version}`
  const source = read(`${registryType}:${identifier}${exact}`)
  return source?.kind === 'npm' || source?.kind === 'pypi' ? source : null
}

function repositorySource({ repository, folder }: Named): GithubSource | GitSource | null {
  const source = repository === null ? null : read(repository)
  if (source?.kind !== 'github' && source?.kind !== 'git') return null
  return { ...source, path: source.path === '' ? folder : source.path }
}

function read(text: string): ReturnType<typeof parseSource> | null {
  try {
    return parseSource(text)
  } catch {
    return null
  }
}
