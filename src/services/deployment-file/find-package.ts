import {
  CatwalkError,
  describePackage,
  formatSource,
  type Analysis,
  type LaunchPackage,
} from '../../domain/index.ts'
import type { ServiceContext } from '../context.ts'
import { findWhat } from '../deployments/what.ts'
import type { File } from './seal.ts'

export interface FoundPackage {
  readonly analysis: Analysis
  readonly package: LaunchPackage
  /** Canonical and pinned. */
  readonly source: string
}

/**
 * Looks up again what a file says that it runs: nothing of it is taken from the file alone. The source is analysed as for
 * any deployment; where it leads to another version, so is the package itself. A package to which the source does not
 * lead comes with a warning that has to be confirmed.
 * @throws CatwalkError those of an analysis of the package and of `SourceAnalyzer.toPackage`; `deployment_file_invalid`
 *   when the package is not the one that the file was made from
 */
export async function findPackage(ctx: ServiceContext, file: File): Promise<FoundPackage> {
  const wanted = file.launch.package
  const own = sourceOf(wanted)
  const byFile = own === file.source ? null : await attempt(ctx, file.source, wanted)
  if (byFile !== null && !(byFile instanceof CatwalkError) && isSame(byFile.package, wanted)) {
    return checked(byFile, wanted)
  }
  const byPackage = await look(ctx, own, wanted)
  const proved =
    own === file.source ||
    (byFile !== null && !(byFile instanceof CatwalkError) && isOfOneName(byFile.package, wanted))
  if (proved) return { ...checked(byPackage, wanted), source: own === file.source ? own : file.source }
  const why = byFile instanceof CatwalkError ? ` ${byFile.message}` : ''
  const message = `The file says that ${describePackage(wanted).name} comes from ${file.source}, which does not lead to it.${why}`
  const { analysis } = byPackage
  const warnings = [...analysis.warnings, { code: 'unproven_source', message }]
  return { ...checked(byPackage, wanted), analysis: { ...analysis, warnings } }
}

async function attempt(
  ctx: ServiceContext,
  source: string,
  wanted: LaunchPackage,
): Promise<FoundPackage | CatwalkError> {
  try {
    return await look(ctx, source, wanted)
  } catch (error) {
    ctx.signal.throwIfAborted()
    if (error instanceof CatwalkError) return error
    throw error
  }
}

async function look(ctx: ServiceContext, source: string, wanted: LaunchPackage): Promise<FoundPackage> {
  const what = await findWhat(ctx, { source })
  const { workspaceId } = ctx.actor
  const pkg = await ctx.analyzer.toPackage(workspaceId, what.analysis, executableOf(wanted), ctx.signal)
  return { analysis: what.analysis, package: pkg, source: what.source }
}

/** The source that is just this package. */
function sourceOf(pkg: LaunchPackage): string {
  switch (pkg.kind) {
    case 'npm':
    case 'pypi':
      return formatSource({ kind: pkg.kind, name: pkg.name, version: pkg.version })
    case 'git':
      return formatSource({ kind: 'git', url: pkg.repository, ref: pkg.commit, path: pkg.path })
    case 'mcpb':
      return formatSource({ kind: 'mcpb', url: pkg.url, sha256: pkg.sha256 })
    case 'oci':
      return formatSource({
        kind: 'oci',
        registry: pkg.registry,
        repository: pkg.repository,
        tag: null,
        digest: pkg.digest,
      })
    case 'remote':
      return formatSource({ kind: 'remote', url: pkg.url, headers: [] })
    default:
      return pkg satisfies never
  }
}

function executableOf(pkg: LaunchPackage): string | null {
  switch (pkg.kind) {
    case 'npm':
      return pkg.executable
    case 'pypi':
      return pkg.program.kind === 'script' ? pkg.program.name : null
    case 'git':
      return pkg.program.kind === 'node-executable' ? pkg.program.name : null
    case 'mcpb':
    case 'oci':
    case 'remote':
      return null
    default:
      return pkg satisfies never
  }
}

function isOfOneName(a: LaunchPackage, b: LaunchPackage): boolean {
  return a.kind === b.kind && describePackage(a).name === describePackage(b).name
}

function isSame(a: LaunchPackage, b: LaunchPackage): boolean {
  return isOfOneName(a, b) && describePackage(a).version === describePackage(b).version
}

/** @throws CatwalkError `deployment_file_invalid` */
function checked(found: FoundPackage, wanted: LaunchPackage): FoundPackage {
  const { package: pkg } = found
  const { name, version } = describePackage(wanted)
  if (!isSame(pkg, wanted)) {
    throw new CatwalkError('deployment_file_invalid', `${name} ${version} is not to be had as the file says.`)
  }
  const isOther =
    (pkg.kind === 'npm' && wanted.kind === 'npm' && pkg.integrity !== wanted.integrity) ||
    (pkg.kind === 'mcpb' && wanted.kind === 'mcpb' && pkg.sha256 !== wanted.sha256) ||
    (pkg.kind === 'pypi' &&
      wanted.kind === 'pypi' &&
      !pkg.hashes.some((hash) => wanted.hashes.includes(hash)))
  if (!isOther) return found
  throw new CatwalkError(
    'deployment_file_invalid',
    `${name} ${version} has other contents here than where the file was made.`,
    { help: 'Look at who publishes it. To take what is published here, deploy it from its source instead.' },
  )
}
