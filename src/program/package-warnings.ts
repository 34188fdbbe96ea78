import {
  CatwalkError,
  type Analysis,
  type PackageIndex,
  type PackageInfo,
  type PypiIndex,
} from '../domain/index.ts'
import { packageWarnings, resembling } from '../packages/index.ts'

export interface WarningOptions {
  readonly npm: PackageIndex
  readonly pypi: PypiIndex
  /** Names of well-known packages of npm. */
  readonly npmNames: () => Promise<readonly string[]>
  readonly now: () => Date
  /** What was looked up before, if it was. */
  readonly known: PackageInfo | null
}

/** So many names that a package could be mistaken for are asked about. */
const MOST_ASKED = 5

/** What a person should know of the package that an analysis starts; nothing where it is none, or nobody can be asked. */
export async function warningsOfPackage(
  { launch }: Pick<Analysis, 'launch'>,
  { npm, pypi, npmNames, now, known }: WarningOptions,
  signal: AbortSignal,
): Promise<Analysis['warnings']> {
  if (launch === null) return []
  const { registry, name, version } = launch.package
  try {
    if (registry === 'pypi') {
      const info = await pypi.resolve(name, version, signal)
      // Nobody counts the downloads of PyPI for us, and without them two names are two projects.
      return packageWarnings({ name: info.name, info, popular: [], weeklyDownloads: null, now: now() })
    }
    if (registry !== 'npm') return []
    const isKnown = known?.name === name && (version === null || known.version === version)
    const info = isKnown ? known : await npm.resolve(name, version, signal)
    const similar = resembling(info.name, await npmNames()).slice(0, MOST_ASKED)
    const count = async (of: string) => ({ name: of, weeklyDownloads: await npm.weeklyDownloads(of, signal) })
    const [own, ...popular] =
      similar.length === 0 ? [] : await Promise.all([info.name, ...similar].map(count))
    const weeklyDownloads = own?.weeklyDownloads ?? null
    return packageWarnings({ name: info.name, info, popular, weeklyDownloads, now: now() })
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof CatwalkError)) throw error
    // That it is not there or cannot be asked is told by the analysis itself.
    return []
  }
}
