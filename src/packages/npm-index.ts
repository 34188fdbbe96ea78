import { Readable } from 'node:stream'
import { anySignal, CatwalkError, quoted, type PackageIndex, type PackageInfo } from '../domain/index.ts'
import { rememberAnswers, STALE } from './stale-answers.ts'
import type { NpmConfiguration } from './npm-configuration.ts'
import { loadNpmLibraries } from './npm-libraries.ts'
import {
  describeVersion,
  pickVersion,
  readPackageDocument,
  type PackageDocument,
} from './package-document.ts'

export interface NpmIndexOptions {
  /** This host's npm configuration; asked for at each look-up, so that changes count at once. */
  readonly configuration: () => Promise<NpmConfiguration>
  /** For one look-up with all its attempts. */
  readonly timeoutMs?: number
  /** npm's API for numbers of downloads, without a slash at the end; null for none. */
  readonly downloadsUrl?: string | null
}

const TIMEOUT_MS = 20_000
const DOWNLOADS_TIMEOUT_MS = 3_000
const RETRY = { retries: 2, factor: 2, minTimeout: 200, maxTimeout: 1_000 } as const
/** The documents of packages with thousands of versions have some tens of MiB. */
const MAX_DOCUMENT_BYTES = 128 * 1024 * 1024

/** Looks packages up in the registries that npm is configured for. */
export function createNpmIndex(options: NpmIndexOptions): PackageIndex {
  const timeoutMs = options.timeoutMs ?? TIMEOUT_MS
  const remembered = rememberAnswers<PackageInfo>(STALE)
  return {
    resolve: (name, version, signal) =>
      remembered(`${name}@${version ?? ''}`, async () => {
        const { settings } = await options.configuration()
        const timeout = AbortSignal.timeout(timeoutMs)
        const document = await fetchDocument(name, settings, timeoutMs, anySignal([signal, timeout])).catch(
          (error: unknown) => {
            signal.throwIfAborted()
            throw error
          },
        )
        const exact = pickVersion(document, version)
        if (exact === null) throw noSuchVersion(name, version)
        const info = describeVersion(document, name, exact)
        if (info === null) throw unavailable(`The package index gives no hash for ${name}@${exact}.`)
        return info
      }),
    download: async ({ url }, signal) => {
      const { settings } = await options.configuration()
      const { fetch } = loadNpmLibraries()
      try {
        // npm's own idea of which credentials an address gets.
        const { body } = await fetch(url, {
          ...settings,
          cache: null,
          retry: RETRY,
          timeout: timeoutMs,
          signal,
        })
        return Readable.from(body, { objectMode: false })
      } catch (error) {
        signal.throwIfAborted()
        throw unavailable('The package index does not give the file of the package.', error)
      }
    },
    weeklyDownloads: async (name, signal) => {
      const { settings } = await options.configuration()
      const url = options.downloadsUrl ?? null
      if (url === null || !isPublicRegistry(settings, name)) return null
      const { fetch } = loadNpmLibraries()
      const limited = anySignal([signal, AbortSignal.timeout(DOWNLOADS_TIMEOUT_MS)])
      try {
        const path = `${url}/downloads/point/last-week/${name}`
        const { body } = await fetch(path, { ...settings, cache: null, retry: false, signal: limited })
        const answer: unknown = JSON.parse(await readBody(body))
        return typeof answer === 'object' &&
          answer !== null &&
          'downloads' in answer &&
          typeof answer.downloads === 'number'
          ? answer.downloads
          : null
      } catch {
        signal.throwIfAborted()
        return null
      }
    },
  }
}

/** Downloads are counted for npm's own registry only; a name elsewhere may be somebody else's. */
function isPublicRegistry(settings: NpmConfiguration['settings'], name: string): boolean {
  const scope = /^@[^/]+/.exec(name)?.[0]
  const registry = (scope === undefined ? undefined : settings[`${scope}:registry`]) ?? settings['registry']
  return typeof registry === 'string' && URL.parse(registry)?.hostname === 'registry.npmjs.org'
}

async function fetchDocument(
  name: string,
  settings: NpmConfiguration['settings'],
  timeoutMs: number,
  signal: AbortSignal,
): Promise<PackageDocument> {
  const { fetch } = loadNpmLibraries()
  // The one slash of a scoped name is part of the name, not of the path.
  const path = `/${name.replace('/', '%2f')}`
  try {
    const response = await fetch(path, {
      ...settings,
      spec: name,
      // A cache would need a place of its own and could be stale just when a version has come out.
      cache: null,
      retry: RETRY,
      timeout: timeoutMs,
      signal,
    })
    const document = readPackageDocument(JSON.parse(await readBody(response.body)))
    if (document === null) throw unavailable('The answer of the package index is not a package document.')
    return document
  } catch (error) {
    if (error instanceof CatwalkError) throw error
    const status = httpStatus(error)
    if (status === 404) throw new CatwalkError('package_not_found', `There is no package ${quoted(name)}.`)
    if (status === 401 || status === 403) {
      throw new CatwalkError(
        'package_index_unavailable',
        `The package index refuses access to ${quoted(name)}.`,
        {
          help: 'Check the credentials in the npm configuration of the user that runs Catwalk.',
          cause: error,
        },
      )
    }
    throw unavailable('The package index does not answer as expected.', error)
  }
}

async function readBody(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of body) {
    bytes += chunk.length
    if (bytes > MAX_DOCUMENT_BYTES) throw unavailable('The answer of the package index is too large.')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function noSuchVersion(name: string, version: string | null): CatwalkError {
  return new CatwalkError(
    'version_not_found',
    version === null
      ? `Package ${quoted(name)} has no version that is marked as the latest.`
      : `Package ${quoted(name)} has no version ${quoted(version)}.`,
  )
}

function unavailable(message: string, cause?: unknown): CatwalkError {
  return new CatwalkError('package_index_unavailable', message, { cause })
}

function httpStatus(error: unknown): number | null {
  if (typeof error !== 'object' || error === null || !('statusCode' in error)) return null
  return typeof error.statusCode === 'number' ? error.statusCode : null
}
