import {
  analyze,
  analyzeBundle,
  analyzeImage,
  leadsTo,
  onlyPort,
  withProof,
  withRepository,
} from '../analyzer/index.ts'
import {
  CatwalkError,
  chooseExecutable,
  deployVerdict,
  formatSource,
  parseSource,
  portOf,
  quoted,
  type AnalysableSource,
  type Analysis,
  type ImageIndex,
  type ImageInfo,
  type LaunchPackage,
  type OciSource,
  type PackageInfo,
  type ReadableSource,
  type Runtime,
  type Snapshot,
  type SourceAnalysisInput,
  type SourceAnalyzer,
  type SourceHost,
} from '../domain/index.ts'
import { toPackage, type Indexes } from './launch-package.ts'
import type { WorkspaceServices } from './workspace-services.ts'
import { warningsOfPackage } from './package-warnings.ts'
import { factsOfAddress, factsOfRemote, remoteAnalysis, withHandshake } from './remote-analysis.ts'
import {
  analysisWithoutFiles,
  claimsName,
  withAbout,
  withEntry,
  type FoundEntry,
  type RegistryEntries,
} from './registry-entries.ts'

export interface SourceAnalyzerOptions {
  readonly sources: SourceHost
  readonly services: Pick<WorkspaceServices, 'npm' | 'pypi' | 'model' | 'reading'>
  readonly images: ImageIndex
  readonly registry: RegistryEntries
  /** Where servers are tried out, by what can be run there. */
  readonly runtimes: readonly Pick<Runtime, 'tryOut' | 'supports'>[]
  readonly memoryMiB: number
  readonly now: () => Date
}

/** For all trial starts of one analysis; the installation has a limit of its own. */
const TRIAL_LIMIT_MS = 45_000

/** Fetches a source, reads its files, looks its package up, tries it out and asks the model, each where it can be done. */
export function createSourceAnalyzer(options: SourceAnalyzerOptions): SourceAnalyzer {
  const { sources, services, images, registry, now } = options
  const indexesOf = (workspaceId: string): Indexes => ({
    npm: services.npm(workspaceId),
    pypi: services.pypi(workspaceId),
    images,
    githubHosts: sources.githubHosts,
  })

  async function read(
    source: ReadableSource,
    url: string,
    snapshot: Snapshot,
    { server, workspaceId }: SourceAnalysisInput,
    signal: AbortSignal,
  ): Promise<Analysis> {
    if (source.kind === 'mcpb') return analyzeBundle(snapshot, url)
    const packages = indexesOf(workspaceId)
    const of = (place: Snapshot) =>
      analyze({ source: { kind: source.kind, url }, snapshot: place, packages }, signal)
    const all = await of(snapshot)
    if (server === null) return all
    const wanted = all.candidates.find(({ name, path }) => name === server || path === server)
    if (wanted === undefined) throw noSuchServer(server, all)
    const chosen = await of({ ...snapshot, text: snapshot.text.bind(snapshot), path: wanted.path })
    // What was looked up for the folder holds for every program in it.
    const isSame = chosen.launch?.build?.path === wanted.launch.build?.path
    const found = isSame && chosen.launch !== null ? chosen.launch.package : wanted.launch.package
    return { ...chosen, launch: { ...wanted.launch, package: found }, candidates: all.candidates }
  }

  async function proved(
    analysis: Analysis,
    input: SourceAnalysisInput,
    signal: AbortSignal,
  ): Promise<Analysis> {
    const { launch } = analysis
    const isRemote = launch?.package.registry === 'remote'
    const canBeTried =
      (launch?.transport === 'stdio' || launch?.port !== undefined || isRemote) &&
      analysis.verdict !== 'unsupported'
    // A server that its files do not show to be one is known by what it answers.
    const isWanted = input.boot || analysis.verdict === 'not_a_server'
    if (!isWanted || launch === null || !canBeTried) return analysis
    input.onStep('booting', launch.package.name)
    try {
      const pkg = await toPackage(analysis, null, indexesOf(input.workspaceId), signal)
      const runtime = options.runtimes.find(({ supports }) => supports.packages.includes(pkg.kind))
      if (runtime === undefined)
        throw new CatwalkError('runtime_unavailable', 'This installation has no runtime for it.')
      const trial = await runtime.tryOut(
        {
          workspaceId: input.workspaceId,
          package: pkg,
          args: launch.args,
          ...(launch.port === undefined ? {} : { port: launch.port }),
          variables: analysis.env,
          requiredOneOf: analysis.requiredOneOf,
          arguments: analysis.arguments,
          allowScripts: false,
          memoryMiB: options.memoryMiB,
          lockFile: null,
          limitMs: TRIAL_LIMIT_MS,
          output: () => undefined,
        },
        signal,
      )
      const proven = withProof(isRemote ? withHandshake(analysis, trial) : analysis, trial)
      if (analysis.verdict !== 'not_a_server' || !trial.proof.booted) return proven
      return { ...proven, ...deployVerdict(proven) }
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof CatwalkError)) throw error
      const warning = { code: 'not_tried', message: `It was not tried out: ${error.message}` }
      return { ...analysis, warnings: [...analysis.warnings, warning] }
    }
  }

  /** What cannot be read is a server that someone else runs, or nothing. */
  async function withoutFiles(
    input: SourceAnalysisInput,
    found: FoundEntry | null,
    signal: AbortSignal,
  ): Promise<{ pinned: string; analysis: Analysis }> {
    const { source } = input
    if (found !== null) {
      const { target, entry, address } = found
      const remote =
        target.kind === 'remote' ? entry.document.remotes.find(({ url }) => url === target.url) : undefined
      const analysis =
        remote === undefined
          ? analysisWithoutFiles(found)
          : withAbout(remoteAnalysis(factsOfRemote(remote, address)), found)
      return { pinned: formatEntry(found), analysis: await proved(analysis, input, signal) }
    }
    if (source.kind !== 'remote') throw notYet()
    // Never out of the cache: whoever runs it changes it when they like.
    const analysis = remoteAnalysis(factsOfAddress(source.url, source.headers ?? []))
    return { pinned: formatSource(source), analysis: await proved(analysis, input, signal) }
  }

  /** What the repository says that an image names as its own; null when it names none that can be read. */
  async function repositoryAnalysis(
    { labels }: ImageInfo,
    input: SourceAnalysisInput,
    signal: AbortSignal,
  ): Promise<Analysis | null> {
    try {
      const source = parseSource(labels['org.opencontainers.image.source'] ?? '', sources)
      if (source.kind !== 'github' && source.kind !== 'git') return null
      const within = await services.reading(input.workspaceId, source, signal)
      const pin = await sources.pin(source, within)
      await using snapshot = await sources.open(pin, within)
      return await read(source, pin.url, snapshot, { ...input, server: null }, signal)
    } catch (error) {
      signal.throwIfAborted()
      // Without it the image has less to say, and starts all the same.
      if (error instanceof CatwalkError) return null
      throw error
    }
  }

  async function ofImage(
    input: SourceAnalysisInput,
    source: OciSource,
    found: FoundEntry | null,
    signal: AbortSignal,
  ): Promise<{ pinned: string; analysis: Analysis }> {
    const { onStep } = input
    const info = await images.resolve(source, signal)
    const url = formatSource({ ...source, tag: null, digest: info.digest })
    const pinned = [...(found === null ? [] : [formatEntry(found)]), url].join(' ')
    const kept = await input.recall(pinned)
    if (kept !== null) return { pinned, analysis: kept }
    onStep('reading', url)
    const port = found?.target.kind === 'package' ? portOf(found.target.package) : null
    const files = await repositoryAnalysis(info, input, signal)
    const image = analyzeImage(info, { url, port })
    let analysis = files === null ? image : withRepository(image, files)
    if (found !== null) {
      const { labels } = info
      const repository = labels['org.opencontainers.image.source'] ?? null
      const isOwn =
        labels[SERVER_NAME_LABEL] === found.entry.name ||
        (found.entry.repository !== null && leadsTo(repository, found.entry.repository))
      analysis = withEntry(analysis, found, isOwn)
    }
    const { launch } = analysis
    const guess = port === null ? onlyPort(info) : null
    if (launch === null || guess === null) return { pinned, analysis: await proved(analysis, input, signal) }
    // Which of the two ways it speaks only a start can tell. Who declares a port mostly serves it.
    const over = { ...launch, transport: 'http' as const, port: { port: guess, path: '/mcp' } }
    const asked = { ...input, boot: true }
    const served = await proved({ ...analysis, launch: over }, asked, signal)
    if (served.proof?.booted === true) return { pinned, analysis: served }
    return { pinned, analysis: await proved(analysis, asked, signal) }
  }

  async function repositoryOf(
    workspaceId: string,
    source: ReadableSource,
    signal: AbortSignal,
  ): Promise<string | null> {
    if (source.kind !== 'pypi') return null
    return (await services.pypi(workspaceId).resolve(source.name, source.version, signal)).repository
  }

  return {
    githubHosts: sources.githubHosts,
    async analyze(input, signal) {
      const { onStep } = input
      onStep('fetching', formatSource(input.source))
      const found = input.source.kind === 'registry' ? await registry.find(input.source, signal) : null
      const image = imageSource(input.source, found)
      if (image !== null) return ofImage(input, image, found, signal)
      const source = readableSource(input.source, found)
      if (source === null) return withoutFiles(input, found, signal)
      const within = await services.reading(input.workspaceId, source, signal)
      const pin = await sources.pin(source, within)
      const pinned = [...(found === null ? [] : [formatEntry(found)]), formatSource(pin.source)].join(' ')
      const kept = await input.recall(pinned)
      if (kept !== null) return { pinned, analysis: kept }
      await using snapshot = await sources.open(pin, within)
      onStep('reading', `${snapshot.files.size} files`)
      let analysis = await read(pin.source, pin.url, snapshot, input, signal)
      const npm = services.npm(input.workspaceId)
      const pypi = services.pypi(input.workspaceId)
      onStep('looking_up', analysis.launch?.package.name ?? formatSource(pin.source))
      let known: PackageInfo | null = null
      if (pin.source.kind === 'npm') {
        known = await npm.resolve(pin.source.name, pin.source.version, signal)
        analysis = { ...analysis, launch: analysis.launch ?? launchOf(known), about: aboutOf(known) }
      }
      if (found !== null) {
        const repository =
          analysis.about?.repository ?? (await repositoryOf(input.workspaceId, pin.source, signal))
        const isOwn =
          found.target.kind !== 'package' ||
          // The entry names the hash of the very file.
          found.target.source.kind === 'mcpb' ||
          claimsName(snapshot, found.entry.name) ||
          (found.entry.repository !== null && leadsTo(repository, found.entry.repository))
        analysis = withEntry(analysis, found, isOwn)
      }
      const namesOf = (index: 'npm' | 'pypi') => registry.packageNames(index)
      const told = await warningsOfPackage(analysis, { npm, pypi, namesOf, now, known }, signal)
      analysis = await proved({ ...analysis, warnings: [...analysis.warnings, ...told] }, input, signal)
      const model = input.model && analysis.launch !== null ? await services.model(input.workspaceId) : null
      if (model !== null) {
        onStep('asking_model', null)
        analysis = await model.fillGaps(analysis, snapshot, signal)
      }
      return { pinned, analysis }
    },
    toPackage: (workspaceId, analysis, executable, signal): Promise<LaunchPackage> =>
      toPackage(analysis, executable, indexesOf(workspaceId), signal),
  }
}

/**
 * How a package is started that does not look like a server; whoever names it may know better.
 * @throws CatwalkError `no_executable`
 */
function launchOf(info: PackageInfo): Analysis['launch'] {
  const { name, version, executables } = info
  const command = executables[0] ?? chooseExecutable(info, null)
  return { package: { registry: 'npm', name, version }, command, args: [], transport: 'stdio' }
}

function aboutOf(info: PackageInfo): NonNullable<Analysis['about']> {
  return {
    description: info.description,
    license: info.license,
    repository: info.repository,
    publishedAt: info.publishedAt?.toISOString() ?? null,
    integrity: info.integrity,
    unpackedBytes: info.unpackedBytes,
    hasInstallScripts: info.hasInstallScripts,
    executables: info.executables,
  }
}

/** How publishers prove that an image is the server of their entry in the official registry. */
const SERVER_NAME_LABEL = 'io.modelcontextprotocol.server.name'

/** What is meant: the source itself, or what an entry of the registry leads to; null when it leads to no source. */
function namedSource(source: AnalysableSource, found: FoundEntry | null): AnalysableSource | null {
  if (found !== null) return 'source' in found.target ? found.target.source : null
  return source
}

function imageSource(source: AnalysableSource, found: FoundEntry | null): OciSource | null {
  const named = namedSource(source, found)
  return named?.kind === 'oci' ? named : null
}

/** What is read; null when nothing can be. */
function readableSource(source: AnalysableSource, found: FoundEntry | null): ReadableSource | null {
  const named = namedSource(source, found)
  return named !== null && isReadable(named) ? named : null
}

function isReadable(source: AnalysableSource): source is ReadableSource {
  return (
    source.kind === 'npm' ||
    source.kind === 'pypi' ||
    source.kind === 'github' ||
    source.kind === 'git' ||
    source.kind === 'mcpb'
  )
}

function formatEntry({ entry: { name, version } }: FoundEntry): string {
  return formatSource({ kind: 'registry', name, version })
}

function noSuchServer(server: string, { candidates }: Analysis): CatwalkError {
  const names = candidates.map(({ name }) => quoted(name)).join(', ')
  return new CatwalkError('server_not_found', `The source has no server ${quoted(server)}.`, {
    help: names === '' ? 'It has only one; leave the name out.' : `It has: ${names}.`,
    details: { field: 'server' },
  })
}

function notYet(): CatwalkError {
  return new CatwalkError('source_not_deployable', 'Sources of this kind cannot be deployed yet.', {
    details: { field: 'source' },
  })
}
