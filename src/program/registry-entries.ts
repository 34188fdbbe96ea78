import { queries } from '../db/index.ts'
import {
  CatwalkError,
  NOTHING_FOUND,
  quoted,
  RegistryFailure,
  registryTarget,
  withRegistryFacts,
  type Analysis,
  type RegistryClient,
  type RegistryEntry,
  type RegistrySource,
  type RegistryTarget,
  type Snapshot,
} from '../domain/index.ts'

export interface FoundEntry {
  readonly entry: RegistryEntry
  readonly target: RegistryTarget
  /** Where a person or program reads it. */
  readonly address: string
}

export interface RegistryEntries {
  /**
   * An entry of the MCP Registry, from the mirror where it is there.
   * @throws CatwalkError `source_not_found`, `source_unavailable`
   */
  find(source: RegistrySource, signal: AbortSignal): Promise<FoundEntry>
  /** Names of the packages of an index that registries list, each once. */
  packageNames(registry: 'npm' | 'pypi'): Promise<readonly string[]>
}

/**
 * @param official null when none is configured
 * @param runsImages whether there is a runtime for images
 */
export function createRegistryEntries(
  db: queries.Handle,
  official: RegistryClient | null,
  runsImages: boolean,
): RegistryEntries {
  async function read({ name, version }: RegistrySource, signal: AbortSignal): Promise<RegistryEntry> {
    const row = await queries.findRegistryServer(db, name)
    if (row !== null && (version === null || version === row.version)) return entryOf(row)
    if (official === null)
      throw noSuchEntry(name, version, 'No registry is configured (CATWALK_REGISTRY_URL).')
    let found: RegistryEntry | null
    try {
      found = await official.find(name, version, signal)
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof RegistryFailure)) throw error
      throw new CatwalkError('source_unavailable', `The registry cannot be asked. ${error.message}`, {
        cause: error,
      })
    }
    if (found === null) {
      throw noSuchEntry(name, version, 'Find it with: bin/catwalk registry search WORDS')
    }
    return found
  }

  return {
    async find(source, signal) {
      const entry = await read(source, signal)
      const path = `${encodeURIComponent(entry.name)}/versions/${encodeURIComponent(entry.version ?? 'latest')}`
      const address = `${official?.url ?? ''}/v0.1/servers/${path}`
      return { entry, target: registryTarget(entry, runsImages), address }
    },
    packageNames: (registry) => queries.listRegistryPackages(db, registry),
  }
}

function entryOf(row: queries.RegistryServerRow): RegistryEntry {
  const { status_message: statusMessage, published_at: publishedAt, updated_at: updatedAt, ...same } = row
  return { ...same, statusMessage, publishedAt, updatedAt }
}

function noSuchEntry(name: string, version: string | null, help: string): CatwalkError {
  const what = version === null ? quoted(name) : `${quoted(name)} in version ${quoted(version)}`
  return new CatwalkError('source_not_found', `The MCP Registry has no server ${what}.`, { help })
}

/** What is known of an entry that leads to nothing. */
export function analysisWithoutFiles(found: FoundEntry): Analysis {
  return withAbout(
    {
      source: { kind: 'registry', url: found.address, commit: null, path: '' },
      verdict: 'unsupported',
      reason: 'The registry names neither a package that can be run here nor a repository.',
      ...NOTHING_FOUND,
    },
    found,
  )
}

/** With what the entry itself says of the server. */
export function withAbout(analysis: Analysis, { entry }: FoundEntry): Analysis {
  return { ...analysis, warnings: [...analysis.warnings, ...deprecation(entry)], about: aboutOf(entry) }
}

/** An analysis of the files that an entry leads to, with what the entry itself declares. */
export function withEntry(
  analysis: Analysis,
  { entry, target, address }: FoundEntry,
  isOwn: boolean,
): Analysis {
  const named =
    target.kind === 'package' ? target.package : target.kind === 'repository' ? target.instead : null
  const merged =
    named === null ? analysis : withRegistryFacts(analysis, named, address, target.kind === 'package')
  return {
    ...merged,
    source: { ...merged.source, kind: 'registry' },
    warnings: [
      ...merged.warnings,
      ...deprecation(entry),
      ...(isOwn
        ? []
        : [
            {
              code: 'provenance_mismatch',
              message: `Nothing in the package shows that it belongs to ${entry.name}: it names neither that server nor its repository.`,
            },
          ]),
      ...(target.kind === 'repository' && target.instead !== null
        ? [
            {
              code: 'other_package',
              message: `The registry names ${quoted(target.instead.identifier)} (${target.instead.registryType}), which cannot be run here. What follows is of its repository.`,
            },
          ]
        : []),
    ],
    about: merged.about ?? aboutOf(entry),
  }
}

/**
 * Whether a package says itself that it is the server of an entry, as the official registry demands it: `mcpName` in
 * package.json, `mcp-name: NAME` in the README of a Python package.
 */
export function claimsName(snapshot: Snapshot, name: string): boolean {
  for (const { path } of snapshot.files.values()) {
    const file = path.toLowerCase()
    if (file === 'package.json' && mcpName(snapshot.text(path)) === name) return true
    if (/^(?:[^/]+\/)?(?:readme(?:\.\w+)?|pkg-info)$/.test(file) && marks(snapshot.text(path), name))
      return true
  }
  return false
}

function mcpName(text: string | null): unknown {
  try {
    const value: unknown = JSON.parse(text ?? 'null')
    return typeof value === 'object' && value !== null && 'mcpName' in value ? value.mcpName : null
  } catch {
    return null
  }
}

function marks(text: string | null, name: string): boolean {
  return [...(text ?? '').matchAll(/mcp-name:\s*([\w./-]+)/g)].some(([, marked]) => marked === name)
}

function deprecation({ status, statusMessage }: RegistryEntry): Analysis['warnings'] {
  if (status !== 'deprecated') return []
  const why = statusMessage === null || statusMessage === '' ? '.' : `: ${statusMessage}`
  return [{ code: 'deprecated', message: `Its author marked it as deprecated in the registry${why}` }]
}

function aboutOf(entry: RegistryEntry): NonNullable<Analysis['about']> {
  return {
    description: entry.description === '' ? null : entry.description,
    license: entry.license,
    repository: entry.repository,
    publishedAt: entry.publishedAt?.toISOString() ?? null,
    integrity: null,
    unpackedBytes: null,
    hasInstallScripts: false,
    executables: [],
  }
}
