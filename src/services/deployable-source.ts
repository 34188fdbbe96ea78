import { CatwalkError, parseSource, type NpmSource } from '../domain/index.ts'

/**
 * Reads a source that can be deployed.
 * @throws CatwalkError `invalid_source`, `invalid_package`, `source_not_deployable` for kinds that are understood but
 *   cannot be run
 */
export function deployableSource(text: string): NpmSource {
  const source = parseSource(text)
  if (source.kind === 'npm') return source
  throw new CatwalkError('source_not_deployable', `${WHAT[source.kind]} cannot be deployed yet.`, {
    details: { field: 'source' },
  })
}

const WHAT = {
  pypi: 'Packages of PyPI',
  oci: 'Images',
  github: 'Repositories',
  git: 'Repositories',
  registry: 'Entries of the registry',
  remote: 'Remote servers',
  snippet: 'Snippets',
} as const
