import { executablesOf, type PackageArchive, type PackageInfo } from '../domain/index.ts'

/**
 * A registry's document of a package ("packument"), as far as it is read here. Everything in it is the publisher's word:
 * what has the wrong form counts as absent.
 */
export interface PackageDocument {
  readonly versions: ReadonlyMap<string, Fields>
  readonly tags: ReadonlyMap<string, string>
  /** When each version was published; a registry may not say. */
  readonly times: ReadonlyMap<string, Date>
}

export type Fields = Readonly<Record<string, unknown>>

/** Null when it is no such document. */
export function readPackageDocument(value: unknown): PackageDocument | null {
  if (!isFields(value) || !isFields(value['versions'])) return null
  return {
    versions: new Map(
      Object.entries(value['versions']).filter((entry): entry is [string, Fields] => isFields(entry[1])),
    ),
    tags: new Map(entriesOf(value['dist-tags']).flatMap(([tag, version]) => stringPair(tag, version))),
    times: new Map(
      entriesOf(value['time'])
        .map(([version, time]): [string, Date] => [version, new Date(String(time))])
        .filter(([, time]) => !Number.isNaN(time.getTime())),
    ),
  }
}

/** The exact version that `wanted` (a version or tag; null: latest) stands for, or null when there is none. */
export function pickVersion(document: PackageDocument, wanted: string | null): string | null {
  const version = document.tags.get(wanted ?? 'latest') ?? wanted
  return version !== null && document.versions.has(version) ? version : null
}

/** What is known of a version that the document has; null when it lacks the hash that pins its content. */
export function describeVersion(
  document: PackageDocument,
  name: string,
  version: string,
): PackageInfo | null {
  const manifest = document.versions.get(version) ?? {}
  const dist = isFields(manifest['dist']) ? manifest['dist'] : {}
  const integrity = text(dist['integrity']) ?? legacyIntegrity(dist['shasum'])
  if (integrity === null) return null
  const scripts = isFields(manifest['scripts']) ? manifest['scripts'] : {}
  return {
    name,
    version,
    description: text(manifest['description']),
    integrity,
    executables: [...executablesOf(name, manifest).keys()],
    repository: repositoryUrl(manifest['repository']),
    repositoryFolder: repositoryFolder(manifest['repository']),
    license: license(manifest['license']),
    deprecated: manifest['deprecated'] === true ? 'deprecated' : text(manifest['deprecated']),
    publishedAt: document.times.get(version) ?? null,
    hasInstallScripts:
      manifest['hasInstallScript'] === true ||
      ['preinstall', 'install', 'postinstall'].some((script) => text(scripts[script]) !== null),
    nodeRange: isFields(manifest['engines']) ? text(manifest['engines']['node']) : null,
    archive: archiveOf(dist['tarball'], integrity),
    unpackedBytes: typeof dist['unpackedSize'] === 'number' ? dist['unpackedSize'] : null,
  }
}

/** Old versions have a SHA-1 in hexadecimal only; npm turns it into the same form of integrity. */
function legacyIntegrity(shasum: unknown): string | null {
  const hex = text(shasum)
  return hex !== null && /^[0-9a-f]{40}$/.test(hex)
    ? `sha1-${Buffer.from(hex, 'hex').toString('base64')}`
    : null
}

function repositoryUrl(repository: unknown): string | null {
  return isFields(repository) ? text(repository['url']) : text(repository)
}

function repositoryFolder(repository: unknown): string {
  const folder = isFields(repository) ? (text(repository['directory']) ?? '') : ''
  return folder.replace(/^(?:\.?\/)+|\/+$/g, '')
}

function archiveOf(tarball: unknown, integrity: string): PackageArchive | null {
  const url = text(tarball)
  return url === null || !URL.canParse(url) ? null : { url, format: 'tar.gz', integrity }
}

function license(value: unknown): string | null {
  return isFields(value) ? text(value['type']) : text(value)
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}

function stringPair(key: string, value: unknown): [string, string][] {
  return typeof value === 'string' ? [[key, value]] : []
}

function entriesOf(value: unknown): [string, unknown][] {
  return isFields(value) ? Object.entries(value) : []
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
