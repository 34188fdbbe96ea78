import { z } from 'zod'
import { CatwalkError, orAborted, quoted } from '../domain/index.ts'
import { loadNpmLibraries } from './npm-libraries.ts'
import type { NpmConfiguration } from './npm-configuration.ts'
import { compareSemver, isSemver } from './semver.ts'

const Packument = z.object({
  versions: z.record(z.string(), z.unknown()),
  time: z.record(z.string(), z.string()).optional(),
})

const OPTIONS = {
  retry: { retries: 2, factor: 2, minTimeout: 200, maxTimeout: 1_000 },
  /** Of an answer that stands still. */
  timeout: 60_000,
} as const

/**
 * Fetches packages with npm's own code and configuration, its cache, proxies and credentials included.
 * @returns a function that unpacks the newest version of one major, releases or not, into a directory, and returns the
 *   version. Nothing of the package is run.
 * @throws CatwalkError (the function) `version_not_found`; `package_index_unavailable` also for a content that has not the
 *   registry's hash
 */
export function createPackageFetcher(configuration: () => Promise<NpmConfiguration>) {
  return async function fetchPackage(
    { name, major, into }: { readonly name: string; readonly major: number; readonly into: string },
    signal: AbortSignal,
  ): Promise<string> {
    const { settings } = await configuration()
    const { pacote } = loadNpmLibraries()
    // The library puts the default registry in the place of npmjs.org in addresses of files, also for a scope that has
    // a registry of its own.
    const registry = settings[`${name.split('/', 1)[0]}:registry`] ?? settings['registry']
    const options = { ...settings, ...OPTIONS, registry, signal }
    try {
      const { versions, time } = Packument.parse(await orAborted(pacote.packument(name, options), signal))
      const version = Object.keys(versions)
        .filter((candidate) => isSemver(candidate) && candidate.startsWith(`${major}.`))
        .filter((candidate) => isOldEnough(time?.[candidate], settings['before']))
        .toSorted(compareSemver)
        .at(-1)
      if (version === undefined) {
        throw new CatwalkError('version_not_found', `Package ${quoted(name)} has no version ${major}.`)
      }
      await orAborted(pacote.extract(`${name}@${version}`, into, options), signal)
      return version
    } catch (cause) {
      signal.throwIfAborted()
      if (cause instanceof CatwalkError) throw cause
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new CatwalkError(
        'package_index_unavailable',
        `Package ${quoted(name)} cannot be fetched: ${reason}`,
        { cause },
      )
    }
  }
}

/** What `before` and `min-release-age` of npm's configuration leave. */
function isOldEnough(published: string | undefined, before: unknown): boolean {
  return !(before instanceof Date) || (published !== undefined && new Date(published) <= before)
}
