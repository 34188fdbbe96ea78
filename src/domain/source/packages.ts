import { CatwalkError } from '../errors.ts'
import { quoted } from '../quoted.ts'
import type { OciSource, PypiSource } from '../source.ts'

// PEP 508
const PYPI_NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/
// PEP 440 in the forms that an index publishes; ranges would make a release depend on the day it was made.
const PYPI_VERSION =
  /^v?(?:\d+!)?\d+(?:\.\d+)*(?:[-_.]?(?:a|b|c|rc|alpha|beta|pre|preview|post|rev|r|dev)[-_.]?\d*)*(?:\+[a-z0-9]+(?:[-_.][a-z0-9]+)*)?$/i

/**
 * `name`, `name==version` or `name@version`.
 * @throws CatwalkError `invalid_package`
 */
export function parsePypi(text: string): PypiSource {
  const [, name = '', version] = /^([^=@]*?)(?:\s*(?:==|@)\s*(.*))?$/s.exec(text) ?? []
  const valid = name.length <= 200 && PYPI_NAME.test(name)
  if (!valid || (version !== undefined && (version.length > 128 || !PYPI_VERSION.test(version)))) {
    throw invalid(text, 'a valid PyPI name')
  }
  return { kind: 'pypi', name: normalisePypiName(name), version: version ?? null }
}

/** The form in which an index compares names (PEP 503). */
function normalisePypiName(name: string): string {
  return name.toLowerCase().replaceAll(/[-_.]+/g, '-')
}

// The grammar of docker/distribution's references.
const OCI_HOST = /^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*(?::\d{1,5})?$/i
const OCI_REPOSITORY =
  /^[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*)*$/
const OCI_TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/
const OCI_DIGEST = /^sha256:[0-9a-f]{64}$/

/**
 * An image as `docker pull` takes it: `[host[:port]/]path[:tag][@sha256:…]`. Without a host it is Docker Hub's.
 * @throws CatwalkError `invalid_package`
 */
export function parseOci(text: string): OciSource {
  const [named = '', digest, ...more] = text.split('@')
  const colon = named.lastIndexOf(':')
  const hasTag = colon > named.lastIndexOf('/')
  const path = hasTag ? named.slice(0, colon) : named
  const tag = hasTag ? named.slice(colon + 1) : null
  const slash = path.indexOf('/')
  const first = slash === -1 ? '' : path.slice(0, slash)
  const hasHost = /[.:]/.test(first) || first === 'localhost'
  const registry = hasHost
    ? first.toLowerCase().replace(/^(?:index|registry-1)\.docker\.io$/, 'docker.io')
    : 'docker.io'
  const inside = hasHost ? path.slice(slash + 1) : path
  const repository = registry === 'docker.io' && !inside.includes('/') ? `library/${inside}` : inside
  const valid =
    more.length === 0 &&
    OCI_HOST.test(registry) &&
    repository.length <= 255 &&
    OCI_REPOSITORY.test(repository) &&
    (tag === null || OCI_TAG.test(tag)) &&
    (digest === undefined || OCI_DIGEST.test(digest))
  if (!valid) throw invalid(text, 'the name of an image')
  return { kind: 'oci', registry, repository, tag, digest: digest ?? null }
}

function invalid(text: string, what: string): CatwalkError {
  return new CatwalkError('invalid_package', `${quoted(text)} is not ${what}.`, {
    details: { field: 'source' },
  })
}
