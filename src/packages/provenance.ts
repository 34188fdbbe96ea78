import { parseSource, type GithubSource, type GitSource } from '../domain/index.ts'

export interface Provenance {
  /** The repository that was analysed. */
  readonly repository: GithubSource | GitSource
  /** The repository that the package names, in any form that npm or PyPI knows; null when it names none. */
  readonly declared: string | null
}

/**
 * Whether a package's own word leads back to a repository: the same host, owner and name, whatever the form of the
 * address. A folder or branch is not compared, because monorepos move theirs.
 */
export function leadsBack({ repository, declared }: Provenance): boolean {
  if (declared === null) return false
  return addressOf(repository) === addressOfText(declared)
}

function addressOfText(text: string): string | null {
  try {
    const source = parseSource(text)
    return source.kind === 'github' || source.kind === 'git'
      ? addressOf(source)
      : remoteAddress(source.kind === 'remote' ? source.url : null)
  } catch {
    return null
  }
}

/** Enterprise servers are not known as such here, so their repositories are compared by address like any other. */
function addressOf(source: GithubSource | GitSource): string | null {
  return source.kind === 'github'
    ? `${source.host}/${source.owner}/${source.repository}`.toLowerCase()
    : remoteAddress(source.url)
}

function remoteAddress(text: string | null): string | null {
  const url = text === null ? null : URL.parse(text)
  return url === null
    ? null
    : `${url.host}${url.pathname.replace(/\/+$/, '').replace(/\.git$/, '')}`.toLowerCase()
}
