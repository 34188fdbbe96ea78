import {
  CatwalkError,
  chooseExecutable,
  describePackage,
  formatSource,
  packageLabel,
  parseSource,
  quoted,
  type AnalysedVariable,
  type Analysis,
  type FoundVersion,
  type GithubSource,
  type GitPackage,
  type GitSource,
  type ImageIndex,
  type LaunchPackage,
  type LaunchSpec,
  type NpmPackage,
  type OciPackage,
  type OciSource,
  type PackageInfo,
  type PypiInfo,
  type PypiPackage,
  type Runtime,
  type SourceAnalyzer,
  type SourceHost,
  type VersionFinder,
  type VersionTrial,
} from '../domain/index.ts'
import { compareSemver, compareVersions, isSemver, isSemverPreRelease } from '../packages/index.ts'
import type { WorkspaceServices } from './workspace-services.ts'

export interface VersionsOptions {
  readonly sources: SourceHost
  readonly services: Pick<WorkspaceServices, 'npm' | 'pypi' | 'reading'>
  readonly images: ImageIndex
  readonly analyzer: SourceAnalyzer
  /** Where servers are tried out, by what can be run there. */
  readonly runtimes: readonly Pick<Runtime, 'tryOut' | 'supports'>[]
}

/** For all trial starts of one version; the installation has a limit of its own. */
const TRIAL_LIMIT_MS = 60_000
const COMMIT = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/

/** Looks for versions where packages and repositories are published, and tries them out as an analysis does. */
export function createVersions(options: VersionsOptions): VersionFinder {
  const { sources, services, images, analyzer } = options

  const within = (workspaceId: string, source: GithubSource | GitSource, signal: AbortSignal) =>
    services.reading(workspaceId, source, signal)

  /** The repository of a package; with the ref that its owner named, when that is the same one. */
  function repositoryOf(pkg: GitPackage, tracked: string | null): GithubSource | GitSource {
    const source = readRepository(`git:${pkg.repository}`)
    if (source === null) {
      throw new CatwalkError('source_not_deployable', 'The release does not come from a repository.')
    }
    const named = tracked === null ? null : readRepository(tracked)
    const isSame =
      named !== null &&
      formatSource({ ...named, ref: null, path: '' }).toLowerCase() ===
        formatSource({ ...source, ref: null, path: '' }).toLowerCase()
    return isSame ? { ...named, path: '' } : source
  }

  function readRepository(text: string): GithubSource | GitSource | null {
    const source = readSource(text)
    return source?.kind === 'github' || source?.kind === 'git' ? source : null
  }

  function readSource(text: string): ReturnType<typeof parseSource> | null {
    try {
      return parseSource(text, { githubHosts: analyzer.githubHosts })
    } catch {
      return null
    }
  }

  async function newestCommit(
    workspaceId: string,
    pkg: GitPackage,
    tracked: string | null,
    signal: AbortSignal,
  ): Promise<FoundVersion | null> {
    const source = repositoryOf(pkg, tracked)
    // Whoever names one commit wants just that.
    if (source.ref !== null && COMMIT.test(source.ref)) return null
    const rights = await within(workspaceId, source, signal)
    const ref = source.ref
    const found = { publishedAt: null, deprecated: null }
    if (ref !== null && isSemver(ref)) {
      const tags = await sources.tags(source, rights)
      const [newest] = [...tags]
        .filter(([name]) => isSemver(name) && (isSemverPreRelease(ref) || !isSemverPreRelease(name)))
        .toSorted(([a], [b]) => compareSemver(b, a))
      const now = [...tags].find(([, commit]) => commit === pkg.commit)?.[0] ?? ref
      if (newest === undefined || compareSemver(newest[0], now) <= 0) return null
      return { ...found, version: newest[0], package: { ...pkg, commit: newest[1] } }
    }
    const { content: commit } = await sources.pin(source, rights)
    if (commit === pkg.commit) return null
    const moved = { ...pkg, commit }
    return { ...found, version: describePackage(moved).version, package: moved }
  }

  /** The tag that the owner named, where it means another image by now. Whoever names a digest wants just that. */
  async function newestImage(
    pkg: OciPackage,
    tracked: string | null,
    signal: AbortSignal,
  ): Promise<FoundVersion | null> {
    const named = tracked === null ? null : readSource(tracked)
    if (named?.kind !== 'oci' || named.digest !== null) return null
    if (named.registry !== pkg.registry || named.repository !== pkg.repository) return null
    const info = await images.resolve(named, signal)
    if (info.digest === pkg.digest) return null
    const moved = { ...pkg, digest: info.digest, program: info.entrypoint }
    const { version } = describePackage(moved)
    return { version, publishedAt: info.createdAt, deprecated: null, package: moved }
  }

  async function tryIn(
    workspaceId: string,
    spec: LaunchSpec,
    memoryMiB: number,
    signal: AbortSignal,
  ): Promise<VersionTrial> {
    const { package: pkg, transport } = spec
    const runtime = options.runtimes.find(({ supports }) => supports.packages.includes(pkg.kind))
    if (runtime === undefined) return untried('No runtime of this installation can try it out.')
    const read = await analysisOf(workspaceId, pkg, signal)
    const { proof, manifest } = await runtime.tryOut(
      {
        workspaceId,
        package: pkg,
        args: spec.args,
        ...(transport.kind === 'port' ? { port: { port: transport.port, path: transport.path } } : {}),
        variables: withKnown(read?.env ?? [], spec),
        requiredOneOf: read?.requiredOneOf ?? [],
        arguments: read?.arguments ?? [],
        allowScripts: false,
        memoryMiB,
        lockFile: null,
        limitMs: TRIAL_LIMIT_MS,
        output: () => undefined,
      },
      signal,
    )
    const needed = new Set(proof.neededPlaceholders)
    const wanted = [...(read?.env ?? []), ...(read?.arguments ?? [])]
    const inGroup = new Set(read?.requiredOneOf.flat(2))
    const requires = wanted
      .filter(({ name, required }) => required || (needed.has(name) && !inGroup.has(name)))
      .map(({ name, description }) => ({ name, description }))
    const undeclared = [...needed].filter((name) => !wanted.some((one) => one.name === name))
    return {
      manifest,
      failure: manifest === null ? (proof.failure?.message ?? 'It did not answer.') : null,
      requires: [...requires, ...undeclared.map((name) => ({ name, description: null }))],
    }
  }

  /** What its files say that it wants; null where they cannot be read: then only the trial tells. */
  async function analysisOf(
    workspaceId: string,
    pkg: LaunchPackage,
    signal: AbortSignal,
  ): Promise<Analysis | null> {
    const source = sourceOf(pkg)
    if (source === null) return null
    const input = { workspaceId, source, server: null, boot: false, model: false }
    const silent = { onStep: () => undefined, recall: async () => null }
    return (await analyzer.analyze({ ...input, ...silent }, signal)).analysis
  }

  function sourceOf(pkg: LaunchPackage): Parameters<SourceAnalyzer['analyze']>[0]['source'] | null {
    switch (pkg.kind) {
      case 'npm':
      case 'pypi':
        return { kind: pkg.kind, name: pkg.name, version: pkg.version }
      case 'git':
        return { ...repositoryOf(pkg, null), ref: pkg.commit, path: pkg.path }
      case 'mcpb':
        return { kind: 'mcpb', url: pkg.url, sha256: pkg.sha256 }
      case 'oci':
        return imageAt(pkg, null, pkg.digest)
      case 'remote':
        return null
    }
  }

  return {
    async newest(workspaceId, pkg, tracked, signal) {
      switch (pkg.kind) {
        case 'npm': {
          const info = await services.npm(workspaceId).resolve(pkg.name, null, signal)
          if (compareSemver(info.version, pkg.version) <= 0) return null
          return { ...seen(info), package: atNpm(pkg, info), deprecated: info.deprecated }
        }
        case 'pypi': {
          const info = await services.pypi(workspaceId).resolve(pkg.name, null, signal)
          if (compareVersions(info.version, pkg.version) <= 0) return null
          return { ...seen(info), package: atPypi(pkg, info), deprecated: info.yanked }
        }
        case 'git':
          return newestCommit(workspaceId, pkg, tracked, signal)
        case 'oci':
          return newestImage(pkg, tracked, signal)
        // A file of its own: what is newer lies at another address.
        case 'mcpb':
        case 'remote':
          return null
      }
    },
    async at(workspaceId, pkg, version, signal) {
      switch (pkg.kind) {
        case 'npm':
          return atNpm(pkg, await services.npm(workspaceId).resolve(pkg.name, version, signal))
        case 'pypi': {
          const wanted = version === 'latest' ? null : version
          return atPypi(pkg, await services.pypi(workspaceId).resolve(pkg.name, wanted, signal))
        }
        case 'git': {
          const source = { ...repositoryOf(pkg, null), ref: version === 'latest' ? null : version }
          const { content } = await sources.pin(source, await within(workspaceId, source, signal))
          return { ...pkg, commit: content }
        }
        case 'oci': {
          const isDigest = version.startsWith('sha256:')
          const wanted = imageAt(pkg, isDigest ? null : version, isDigest ? version : null)
          const { digest, entrypoint } = await images.resolve(wanted, signal)
          return { ...pkg, digest, program: entrypoint }
        }
        case 'mcpb':
          throw new CatwalkError('invalid_request', 'Another version of a bundle is another file.', {
            help: 'Deploy the address of that file.',
            details: { field: 'version' },
          })
        case 'remote':
          throw new CatwalkError(
            'invalid_request',
            'Someone else runs this server, and so decides about its version.',
            { details: { field: 'version' } },
          )
      }
    },
    async tryOut(workspaceId, spec, memoryMiB, signal) {
      try {
        return await tryIn(workspaceId, spec, memoryMiB, signal)
      } catch (error) {
        signal.throwIfAborted()
        if (!(error instanceof CatwalkError)) throw error
        return untried(`It was not tried out: ${error.message}`)
      }
    },
  }
}

const untried = (failure: string): VersionTrial => ({ manifest: null, failure, requires: [] })

function seen({
  version,
  publishedAt,
}: PackageInfo | PypiInfo): Pick<FoundVersion, 'version' | 'publishedAt'> {
  return { version, publishedAt }
}

function imageAt({ registry, repository }: OciPackage, tag: string | null, digest: string | null): OciSource {
  return { kind: 'oci', registry, repository, tag, digest }
}

function atNpm(pkg: NpmPackage, info: PackageInfo): NpmPackage {
  const executable = info.executables.includes(pkg.executable) ? pkg.executable : chooseExecutable(info, null)
  return { ...pkg, version: info.version, integrity: info.integrity, executable }
}

/** @throws CatwalkError `no_executable` when it has several other commands */
function atPypi(pkg: PypiPackage, { version, hashes, consoleScripts: scripts }: PypiInfo): PypiPackage {
  const moved = { ...pkg, version, hashes }
  const { program } = pkg
  if (program.kind === 'module' || scripts === null || scripts.includes(program.name)) return moved
  const [only] = scripts
  if (only !== undefined && scripts.length === 1) return { ...moved, program: { kind: 'script', name: only } }
  throw new CatwalkError(
    'no_executable',
    `${packageLabel(moved)} has no command ${quoted(program.name)} any more.`,
  )
}

/** What the release declares as well, so that placeholders of the right form are there for it. */
function withKnown(
  read: readonly AnalysedVariable[],
  { variables }: LaunchSpec,
): readonly AnalysedVariable[] {
  const names = new Set(read.map(({ name }) => name))
  return [
    ...read,
    ...variables
      .filter(({ name }) => !names.has(name) && !name.startsWith('arg:'))
      .map(({ name, description, secret, file }): AnalysedVariable => ({
        name,
        description,
        secret,
        required: false,
        default: null,
        format: file === undefined ? 'text' : 'file',
        choices: [],
        helpUrl: null,
        confidence: 1,
        evidence: [],
      })),
  ]
}
