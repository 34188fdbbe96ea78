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
  /** Names of well-known packages of an index. */
  readonly namesOf: (index: 'npm' | 'pypi') => Promise<readonly string[]>
  readonly now: () => Date
  /** What was looked up before, if it was. */
  readonly known: PackageInfo | null
}

/** So many names that a package could be mistaken for are asked about. */
const MOST_ASKED = 5

/** What a person should know of the package that an analysis starts; nothing where it is none, or nobody can be asked. */
export async function warningsOfPackage(
  { launch }: Pick<Analysis, 'launch'>,
  { npm, pypi, namesOf, now, known }: WarningOptions,
  signal: AbortSignal,
): Promise<Analysis['warnings']> {
  if (launch === null) return []
  const { registry, name, version } = launch.package
  try {
    if (registry === 'pypi') {
      const info = await pypi.resolve(name, version, signal)
      const warnings = packageWarnings({
        name: info.name,
        info,
        popular: [],
        weeklyDownloads: null,
        now: now(),
      })
      return [...listedTwin(info.name, await namesOf('pypi')), ...warnings]
    }
    if (registry !== 'npm') return []
    const isKnown = known?.name === name && (version === null || known.version === version)
    const info = isKnown ? known : await npm.resolve(name, version, signal)
    const similar = resembling(info.name, await namesOf('npm')).slice(0, MOST_ASKED)
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

/**
 * Nobody counts the downloads of PyPI for us: there a name is doubtful when a registry of servers lists one that it could
 * be mistaken for, and not the name itself.
 */
function listedTwin(name: string, listed: readonly string[]): Analysis['warnings'] {
  const names = listed.map((one) => one.toLowerCase().replaceAll(/[-_.]+/g, '-'))
  const [twin] = names.includes(name) ? [] : resembling(name, names)
  if (twin === undefined) return []
  const message = `Its name is easily taken for ${twin}, which a registry of MCP servers lists, and this one none. Make sure that it is the one you mean.`
  return [{ code: 'look_alike', message }]
}
