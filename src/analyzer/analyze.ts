import {
  CatwalkError,
  deployVerdict,
  type Analysis,
  type AnalysisWarning,
  type Snapshot,
} from '../domain/index.ts'
import { mergeProgram, type MergedProgram } from './merge.ts'
import { nameOfProgram } from './build.ts'
import { readApart } from './read-apart.ts'
import type { StartFact } from './facts.ts'
import { unsupportedReason } from './merge/unsupported.ts'

/** What the analysis asks of an index of packages. */
export interface PackageLookup {
  /** @throws CatwalkError `package_not_found`, `invalid_package`, `version_not_found`, `package_index_unavailable` */
  resolve(
    name: string,
    version: string | null,
    signal: AbortSignal,
  ): Promise<{ readonly name: string; readonly version: string; readonly repository: string | null }>
}

/** Where packages are looked up; what is absent is not asked, and the analysis says so. */
export interface PackageIndexes {
  readonly npm?: PackageLookup
  readonly pypi?: PackageLookup
}

export interface AnalyzeInput {
  /** As it stands in the analysis. `url` also says which repository a package must lead back to. */
  readonly source: { readonly kind: string; readonly url: string }
  readonly snapshot: Snapshot
  readonly packages: PackageIndexes
}

/**
 * Finds out from the files of a source how its server is started and what it needs, with the evidence for each fact. It
 * runs nothing of the source. A package is named only when the source declares it itself, or when the package's own entry
 * in its index leads back to the source.
 * @throws CatwalkError `analysis_failed` when the files cannot be read within the limits
 */
export async function analyze(input: AnalyzeInput, signal: AbortSignal): Promise<Analysis> {
  const { snapshot } = input
  const reading = await readApart(snapshot, signal)
  const merged = reading.programs.map((program) => mergeProgram(program))
  const servers = merged
    .filter((program) => program.notAServer === null)
    .toSorted((a, b) => weight(b, input) - weight(a, input))
  const warnings: AnalysisWarning[] = [...reading.warnings]
  const base = {
    source: { kind: input.source.kind, url: input.source.url, commit: snapshot.commit, path: snapshot.path },
    resources: [],
    prompts: [],
    proof: null,
    model: null,
  }
  const [first] = servers
  if (first === undefined) {
    const [only] = merged
    return {
      ...base,
      verdict: 'not_a_server',
      reason: only?.notAServer ?? 'There is no package in it that could be a server.',
      launch: null,
      candidates: [],
      env: [],
      requiredOneOf: [],
      arguments: [],
      tools: [],
      warnings,
    }
  }
  const looked = await lookUp(first, input, signal)
  warnings.push(...looked.warnings, ...first.warnings, ...foreignWarnings(reading.foreignStarts, servers))
  const unsupported = unsupportedReason(first.reading, looked.launch)
  warnings.push(...unsupported.warnings)
  return {
    ...base,
    ...(unsupported.reason === null
      ? deployVerdict(first)
      : { verdict: 'unsupported', reason: unsupported.reason }),
    launch: looked.launch,
    candidates:
      servers.length < 2
        ? []
        : servers.map((server, index) => ({
            name:
              server.reading.project.name === ''
                ? server.reading.project.folder
                : server.reading.project.name,
            path: server.reading.project.folder,
            launch: index === 0 ? looked.launch : server.launch,
            confidence: confidenceOf(server),
            evidence: [server.reading.evidence],
          })),
    env: first.env,
    requiredOneOf: first.requiredOneOf,
    arguments: first.arguments,
    tools: first.tools,
    warnings,
  }
}

/** The nearer to the folder that was asked for, the more its name is the repository's, and the clearer a server, the higher. */
function weight(program: MergedProgram, { snapshot, source }: AnalyzeInput): number {
  const { project, starts } = program.reading
  const inside = project.folder === snapshot.path ? 4 : 0
  const depth = project.folder === '' ? 0 : project.folder.split('/').length
  return (
    inside +
    (starts.length > 0 ? 3 : 0) +
    (/mcp/i.test(project.name) ? 2 : 0) +
    (isNamedLike(project.name, source.url) ? 1 : 0) +
    (program.launch.package.registry === 'git' ? 0 : 1) -
    depth * 0.5
  )
}

/** Whether all words of a repository's name stand in a package's: `acme-mcp` and `@acme/mcp-server-acme`. */
function isNamedLike(name: string, url: string): boolean {
  const words = wordsOf(name)
  return wordsOf(repositoryName(url)).every((word) => words.includes(word))
}

/** `name` of `https://host/owner/name.git` and of `https://host/owner/name/tree/commit/folder`. */
function repositoryName(url: string): string {
  const [repository = ''] = url.split(/\/(?:-\/)?tree\//, 1)
  return (
    repository
      .replace(/(?:\.git)?\/*$/, '')
      .split('/')
      .at(-1) ?? ''
  )
}

function wordsOf(path: string): readonly string[] {
  const last = path.split('/').at(-1) ?? ''
  return last
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '')
}

function confidenceOf(program: MergedProgram): number {
  return Math.min(
    0.98,
    0.6 + (program.reading.starts.length > 0 ? 0.25 : 0) + (program.tools.length > 0 ? 0.1 : 0),
  )
}

/** Built from the source itself, because nobody publishes it. */
function fromSource(
  launch: MergedProgram['launch'],
  { source, snapshot }: AnalyzeInput,
): MergedProgram['launch'] {
  const name = launch.package.name === '' ? repositoryName(source.url) : launch.package.name
  return {
    ...launch,
    package: { registry: 'git', name, version: snapshot.commit },
    command: launch.build === undefined ? launch.command : nameOfProgram(launch.build.program),
  }
}

interface LookedUp {
  readonly launch: MergedProgram['launch']
  readonly warnings: readonly AnalysisWarning[]
}

/** Asks the package index whether what the source calls itself is published, and whether it is the same thing. */
async function lookUp(program: MergedProgram, input: AnalyzeInput, signal: AbortSignal): Promise<LookedUp> {
  const { launch } = program
  const { registry, name, version } = launch.package
  if (registry === 'git') return { launch: fromSource(launch, input), warnings: [] }
  if (registry !== 'npm' && registry !== 'pypi') return { launch, warnings: [] }
  const index = input.packages[registry]
  if (index === undefined) {
    return {
      launch,
      warnings: [{ code: 'package_not_checked', message: `Nobody looked up whether ${name} is published.` }],
    }
  }
  const found = await resolve(index, name, version, signal)
  if (found === 'unavailable')
    return {
      launch,
      warnings: [
        {
          code: 'package_not_checked',
          message: `The package index does not answer, so ${name} was not checked.`,
        },
      ],
    }
  if (found === null) {
    return {
      launch: fromSource(launch, input),
      warnings: [
        {
          code: 'not_published',
          message: `${name} is not published, so the server is built from the source.`,
        },
      ],
    }
  }
  const warnings: AnalysisWarning[] = []
  if (found.version !== version && version !== null) {
    warnings.push({
      code: 'other_version',
      message: `Version ${version} is not published; ${found.version} is the newest that is.`,
    })
  }
  if (
    input.source.kind !== 'npm' &&
    input.source.kind !== 'pypi' &&
    !leadsTo(found.repository, input.source.url)
  ) {
    warnings.push({
      code: 'provenance_mismatch',
      message:
        found.repository === null
          ? `The package ${name} does not say which repository it comes from.`
          : `The package ${name} says that it comes from another repository than this one.`,
    })
  }
  const { build, ...published } = launch
  return {
    launch: {
      ...published,
      package: { registry, name: found.name, version: found.version },
      // A package of Python without scripts is run as the module that its source shows.
      ...(build?.program.kind === 'python' && build.program.program.kind === 'module' ? { build } : {}),
    },
    warnings,
  }
}

async function resolve(
  index: PackageLookup,
  name: string,
  version: string | null,
  signal: AbortSignal,
): Promise<Awaited<ReturnType<PackageLookup['resolve']>> | null | 'unavailable'> {
  for (const wanted of version === null ? [null] : [version, null]) {
    try {
      return await index.resolve(name, wanted, signal)
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof CatwalkError)) throw error
      if (error.code === 'package_not_found' || error.code === 'invalid_package') return null
      if (error.code !== 'version_not_found') return 'unavailable'
    }
  }
  return null
}

/** Whether a package's repository field names the repository at a URL: same host, owner and name. */
export function leadsTo(repository: string | null, url: string): boolean {
  const one = repositoryKey(repository ?? '')
  return one !== null && one === repositoryKey(url)
}

function repositoryKey(text: string): string | null {
  const short = /^(?:(github|gitlab|bitbucket):)?([\w.-]+\/[\w.-]+)$/.exec(text)
  const long = text.replace(/^git\+/, '').replace(/^[\w.-]+@([\w.-]+):/, 'ssh://$1/')
  const url = URL.parse(short === null ? long : `https://${short[1] ?? 'github'}.com/${short[2] ?? ''}`)
  if (url === null || !/^(?:https?|ssh|git):$/.test(url.protocol)) return null
  const path = url.pathname
    .replace(/\/(?:-\/)?(?:tree|blob)\/.*$/, '')
    .replace(/\/+$/, '')
    .replace(/\.git$/, '')
  return path === '' ? null : `${url.hostname.replace(/^www\./, '')}${path}`.toLowerCase()
}

/** A document that tells its reader to start something else than what the source declares is worth a word. */
function foreignWarnings(
  foreign: readonly StartFact[],
  servers: readonly MergedProgram[],
): AnalysisWarning[] {
  const own = servers.some((server) => server.reading.starts.some((start) => start.role !== 'declared'))
  const names = [
    ...new Set(
      foreign
        .filter((start) => start.registry === 'npm' || start.registry === 'pypi')
        .map((start) => start.name),
    ),
  ]
  if (own || names.length === 0) return []
  return names.slice(0, 3).map((name) => ({
    code: 'names_another_package',
    message: `The documentation starts a package of another name, ${JSON.stringify(name.slice(0, 100))}, which this source does not declare. It was not used.`,
  }))
}
