import type { ParsedInput, RouteOutput } from '../contract/index.ts'
import { chooseExecutable, formatSource, slugify, suggestName } from '../domain/index.ts'
import type { PackageInfo } from '../domain/index.ts'
import type { ServiceContext } from './context.ts'
import { deployableSource } from './deployable-source.ts'

const RECENT_MS = 7 * 86_400_000

/**
 * Finds out what a source is, before anything is stored.
 * @throws CatwalkError those of {@link deployableSource}, `package_not_found`, `version_not_found`, `no_executable`,
 *   `package_index_unavailable`
 */
export async function createAnalysis(
  ctx: ServiceContext,
  { body }: ParsedInput<'createAnalysis'>,
): Promise<RouteOutput<'createAnalysis'>> {
  const wanted = deployableSource(body.source)
  const info = await ctx.packages.resolve(wanted.name, wanted.version, ctx.signal)
  if (info.executables.length === 0) chooseExecutable(info, null)
  const name = suggestName(info.name)
  return {
    source: formatSource({ kind: 'npm', name: info.name, version: info.version }),
    name,
    slug: slugify(name),
    package: {
      kind: 'npm',
      name: info.name,
      version: info.version,
      integrity: info.integrity,
      executables: [...info.executables],
      description: info.description,
      repository: info.repository,
      license: info.license,
      publishedAt: info.publishedAt?.toISOString() ?? null,
      unpackedBytes: info.unpackedBytes,
    },
    warnings: warningsOf(info, ctx.clock.now()),
  }
}

function warningsOf(info: PackageInfo, now: Date): RouteOutput<'createAnalysis'>['warnings'] {
  const warnings: RouteOutput<'createAnalysis'>['warnings'] = []
  if (info.deprecated !== null) {
    warnings.push({ code: 'deprecated', message: `Its author marked it as deprecated: ${info.deprecated}` })
  }
  if (info.hasInstallScripts) {
    warnings.push({
      code: 'install_scripts',
      message:
        'It has install scripts, which do not run unless you allow them. Without them it may not work.',
    })
  }
  if (info.publishedAt !== null && now.getTime() - info.publishedAt.getTime() < RECENT_MS) {
    warnings.push({ code: 'recently_published', message: 'This version was published less than a week ago.' })
  }
  return warnings
}
