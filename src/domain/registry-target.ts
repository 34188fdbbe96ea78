import type { RegistryEntry, RegistryPackage } from './registry.ts'
import type { BundleSource, GithubSource, GitSource, NpmSource, OciSource, PypiSource } from './source.ts'
import type { ServedPort } from './launch-spec.ts'
import { parseSource } from './source/parse.ts'

/** What a server of a registry is deployed from. */
export type RegistryTarget =
  | {
      readonly kind: 'package'
      readonly source: NpmSource | PypiSource | OciSource | BundleSource
      readonly package: RegistryPackage
    }
  /** `instead` is a package that cannot be run here; null when the entry names none. */
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
 * A published package that speaks over stdio comes first, because it is what the publisher tested; then a bundle for
 * Linux; then the repository;
 * for servers that only run elsewhere their address.
 * @param runsImages whether images run here: then one comes before the repository, otherwise in the end
 */
export function registryTarget(entry: Named, runsImages: boolean): RegistryTarget {
  const { packages, remotes } = entry.document
  for (const registryType of ['npm', 'pypi'] as const) {
    for (const named of packages) {
      if (named.registryType !== registryType || named.transport.type !== 'stdio') continue
      const source = packageSource(named)
      if (source !== null) return { kind: 'package', source, package: named }
    }
  }
  const image = packages.map(imageTarget).find((target) => target !== null) ?? null
  if (image !== null && runsImages) return image
  const bundle = packages.map(bundleTarget).find((target) => target !== null) ?? null
  if (bundle !== null) return bundle
  const [remote] = remotes
  const repository = packages.length === 0 && remote !== undefined ? null : repositorySource(entry)
  if (repository !== null) return { kind: 'repository', source: repository, instead: packages[0] ?? null }
  if (remote !== undefined) return { kind: 'remote', url: remote.url }
  return image ?? { kind: 'nothing' }
}

/** Images speak over stdio or at a port of their own. */
function imageTarget(named: RegistryPackage): RegistryTarget | null {
  const { registryType, identifier, version, transport } = named
  if (registryType !== 'oci' || !/^(?:stdio|streamable-http)$/.test(transport.type)) return null
  // Before schema 2025-12-11 the version stood apart, and the host in a field that is no longer read.
  const isWhole = /[@:]/.test(identifier.split('/').at(-1) ?? '')
  const source = read(`oci:${identifier}${isWhole || version === null ? '' : `:${version}`}`)
  return source?.kind === 'oci' ? { kind: 'package', source, package: named } : null
}

/** Those of other systems are told by their names: an entry has a bundle for each. */
const ELSEWHERE = /(?:^|[^a-z])(?:darwin|mac(?:os)?|osx|apple|win(?:32|64|dows)?)(?:$|[^a-z])/i
const OF_ARM = /(?:^|[^a-z])(?:arm64|aarch64)(?:$|[^a-z0-9])/i
const OF_INTEL = /(?:^|[^a-z])(?:x64|x86[_-]64|amd64)(?:$|[^a-z0-9])/i

/** A bundle, in the one form that its publisher gave the hash of. */
function bundleTarget(named: RegistryPackage): RegistryTarget | null {
  const { registryType, identifier, transport, fileSha256 } = named
  if (registryType !== 'mcpb' || transport.type !== 'stdio' || typeof fileSha256 !== 'string') return null
  const file = identifier.split('/').at(-1) ?? ''
  if (ELSEWHERE.test(file) || (process.arch === 'arm64' ? OF_INTEL : OF_ARM).test(file)) return null
  const source = read(`mcpb:${identifier}#sha256=${fileSha256.toLowerCase()}`)
  return source?.kind === 'mcpb' ? { kind: 'package', source, package: named } : null
}

/** Where an image of a registry's entry serves HTTP itself; null when it speaks over stdio, or nobody can tell. */
export function portOf({ transport }: RegistryPackage): ServedPort | null {
  const { type } = transport
  const url = typeof transport['url'] === 'string' ? transport['url'] : ''
  // The port may be one that the user fills in: `http://localhost:{PORT}/mcp`.
  const [, port = '', path = ''] = /^https?:\/\/[^/:]+(?::(\d{1,5}))?(\/[\w./-]*)?$/.exec(url) ?? []
  const number = Number(port === '' ? 80 : port)
  if (type !== 'streamable-http' || path === '' || number < 1 || number > 65_535) return null
  return { port: number, path }
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
