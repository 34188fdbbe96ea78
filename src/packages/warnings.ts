import type { AnalysisWarning, PackageInfo, PypiInfo } from '../domain/index.ts'
import { lookAlike, type Popularity } from './look-alikes.ts'

export interface PackageFacts {
  /** As its index writes it. */
  readonly name: string
  readonly info:
    | Pick<PackageInfo, 'deprecated' | 'hasInstallScripts' | 'publishedAt'>
    | Pick<PypiInfo, 'yanked' | 'hasInstallScripts' | 'publishedAt'>
  /** What people use under names of the same ecosystem; the package itself may be among them. */
  readonly popular: readonly Popularity[]
  readonly weeklyDownloads: number | null
  readonly now: Date
}

const RECENT_MS = 7 * 86_400_000

/** What a person should know of a package before it runs. Nothing here refuses anything. */
export function packageWarnings({
  name,
  info,
  popular,
  weeklyDownloads,
  now,
}: PackageFacts): readonly AnalysisWarning[] {
  const warnings: AnalysisWarning[] = []
  if ('deprecated' in info && info.deprecated !== null) {
    warnings.push({ code: 'deprecated', message: `Its author marked it as deprecated: ${info.deprecated}` })
  }
  if ('yanked' in info && info.yanked !== null) {
    const reason = info.yanked === '' ? '.' : `: ${info.yanked}`
    warnings.push({ code: 'yanked', message: `Its author withdrew this version${reason}` })
  }
  const resembled = lookAlike({ name, weeklyDownloads }, popular)
  if (resembled !== null) {
    warnings.push({
      code: 'look_alike',
      message: `Its name is easily taken for ${resembled.name}, which far more people use. Make sure that it is the one you mean.`,
    })
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
