import { createHash } from 'node:crypto'
import { anySignal, CatwalkError, quoted, Secret, type PypiIndex, type PypiInfo } from '../domain/index.ts'
import { createHttpClient, HttpFailure, readBytes, withRetries, type HttpClient } from '../network/index.ts'
import { compareVersions, isPreRelease } from './pep440.ts'
import { readSimplePage, type IndexFile } from './simple-index.ts'
import { rememberAnswers, STALE } from './stale-answers.ts'
import { readCoreMetadata, readWheel, type CoreMetadata } from './wheel.ts'

export interface PypiIndexOptions {
  /** The simple index and its credentials, if any, in the address; asked for at each look-up. */
  readonly configuration: () => Promise<{ readonly url: string }>
  readonly userAgent: string
  /** For one look-up with all its attempts. */
  readonly timeoutMs?: number
}

const TIMEOUT_MS = 20_000
const MAX_PAGE_BYTES = 64 * 1024 * 1024
const MAX_METADATA_BYTES = 4 * 1024 * 1024
/** A larger wheel is not downloaded just to learn the names of its commands. */
const MAX_WHEEL_BYTES = 32 * 1024 * 1024
// PEP 691; older indexes answer in HTML.
const ACCEPT =
  'application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1'

/** Looks packages up in the simple index (PEP 503, 691) that pip is configured for. */
export function createPypiIndex(options: PypiIndexOptions): PypiIndex {
  const timeoutMs = options.timeoutMs ?? TIMEOUT_MS

  const remembered = rememberAnswers<PypiInfo>(STALE)

  return {
    resolve: (name, wanted, signal) =>
      remembered(`${name}@${wanted ?? ''}`, async () => {
        const limited = anySignal([signal, AbortSignal.timeout(timeoutMs)])
        try {
          await using access = await openAccess(options)
          const files = await access.page(name, limited)
          const version = chooseVersion(files, wanted)
          if (version === null) throw noSuchVersion(name, wanted)
          const own = files.filter((file) => compareVersions(file.version, version) === 0)
          return await describe(name, version, own, access, limited)
        } catch (error) {
          signal.throwIfAborted()
          throw asUnavailable(error)
        }
      }),
    download: async ({ url }, signal) => {
      const access = await openAccess(options)
      try {
        const { body } = await access.get(new URL(url), {}, signal)
        body.once('close', () => void access[Symbol.asyncDispose]())
        return body
      } catch (error) {
        await access[Symbol.asyncDispose]()
        signal.throwIfAborted()
        throw asUnavailable(error)
      }
    },
  }
}

interface Access extends AsyncDisposable {
  get(
    url: URL,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): ReturnType<HttpClient['request']>
  page(name: string, signal: AbortSignal): Promise<readonly IndexFile[]>
}

/** The index as it is configured now. Its files may lie elsewhere, on the public internet. */
async function openAccess({ configuration, userAgent }: PypiIndexOptions): Promise<Access> {
  const base = new URL((await configuration()).url)
  const authorization =
    base.username === ''
      ? null
      : new Secret(
          `Basic ${Buffer.from(`${decodeURIComponent(base.username)}:${decodeURIComponent(base.password)}`).toString('base64')}`,
        )
  base.username = ''
  base.password = ''
  const http = createHttpClient({ trustedOrigins: [base.origin], userAgent })
  const get: Access['get'] = async (url, headers, signal) => {
    const own = url.origin === base.origin ? authorization : null
    const response = await withRetries(() => http.request(url, { headers, authorization: own, signal }), {
      signal,
    })
    if (response.status === 200 || response.status === 404) return response
    response.body.destroy()
    const help =
      response.status === 401 || response.status === 403
        ? 'Check the credentials in the address of the index.'
        : undefined
    const message = `The Python package index answers with status ${response.status}.`
    throw unavailable(message, help === undefined ? {} : { help })
  }
  return {
    get,
    page: async (name, signal) => {
      const url = new URL(`${base.href.replace(/\/*$/, '/')}${name}/`)
      const response = await get(url, { accept: ACCEPT }, signal)
      const body = await readBytes(response, MAX_PAGE_BYTES)
      if (response.status === 404) {
        throw new CatwalkError(
          'package_not_found',
          `There is no package ${quoted(name)} in the Python package index.`,
        )
      }
      const files = readSimplePage(
        body.toString('utf8'),
        response.headers['content-type'] ?? '',
        response.url,
        name,
      )
      if (files === null)
        throw unavailable('The answer of the Python package index is not a page of a project.')
      return files
    },
    [Symbol.asyncDispose]: async () => http[Symbol.dispose](),
  }
}

/** The exact version, or the newest that is final and not yanked, else the newest pre-release. */
function chooseVersion(files: readonly IndexFile[], wanted: string | null): string | null {
  if (wanted !== null)
    return files.find(({ version }) => compareVersions(version, wanted) === 0)?.version ?? null
  const offered = files.filter(({ yanked }) => yanked === null).map(({ version }) => version)
  const final = offered.filter((version) => !isPreRelease(version))
  return (final.length > 0 ? final : offered).toSorted(compareVersions).at(-1) ?? null
}

async function describe(
  name: string,
  version: string,
  files: readonly IndexFile[],
  access: Access,
  signal: AbortSignal,
): Promise<PypiInfo> {
  const hashed = files.filter((file) => file.sha256 !== null)
  const wheel = chooseWheel(hashed)
  const archive = hashed.find(({ kind, name: file }) => kind === 'sdist' && file.endsWith('.tar.gz')) ?? wheel
  if (archive === undefined || archive.sha256 === null) {
    throw unavailable(`The Python package index gives no hash for ${name} ${version}.`)
  }
  const facts = wheel === undefined ? null : await factsOf(wheel, access, signal)
  const times = files.flatMap(({ publishedAt }) => (publishedAt === null ? [] : [publishedAt.getTime()]))
  const yanked = files.every((file) => file.yanked !== null) ? (files[0]?.yanked ?? null) : null
  return {
    name,
    version,
    description: facts?.metadata?.summary ?? null,
    hashes: hashed.flatMap(({ sha256 }) => (sha256 === null ? [] : [sha256])),
    consoleScripts: facts?.consoleScripts ?? null,
    requiresPython:
      files.find(({ requiresPython }) => requiresPython !== null)?.requiresPython ??
      facts?.metadata?.requiresPython ??
      null,
    yanked,
    repository: facts?.metadata?.repository ?? null,
    license: facts?.metadata?.license ?? null,
    publishedAt: times.length === 0 ? null : new Date(Math.min(...times)),
    archive: {
      url: archive.url.href,
      format: archive.kind === 'wheel' ? 'zip' : 'tar.gz',
      integrity: `sha256-${Buffer.from(archive.sha256, 'hex').toString('base64')}`,
    },
    hasInstallScripts: wheel === undefined,
  }
}

/** One that runs anywhere, else any: what it says of itself is the same in all. */
function chooseWheel(files: readonly IndexFile[]): IndexFile | undefined {
  const wheels = files.filter(({ kind }) => kind === 'wheel')
  return wheels.find(({ name }) => name.endsWith('-any.whl')) ?? wheels[0]
}

interface Facts {
  readonly metadata: CoreMetadata | null
  readonly consoleScripts: readonly string[] | null
}

async function factsOf(wheel: IndexFile, access: Access, signal: AbortSignal): Promise<Facts> {
  if ((wheel.bytes ?? 0) <= MAX_WHEEL_BYTES) {
    const bytes = await readBytes(await access.get(wheel.url, {}, signal), MAX_WHEEL_BYTES).catch(
      (error: unknown) => {
        if (error instanceof HttpFailure && error.kind === 'too_large') return null
        throw error
      },
    )
    if (bytes !== null) {
      if (createHash('sha256').update(bytes).digest('hex') !== wheel.sha256) {
        throw unavailable('A file of the Python package index does not have the hash that the index names.')
      }
      const { metadata, consoleScripts } = await readWheel(bytes).catch((error: unknown) => {
        throw unavailable('A wheel in the Python package index is damaged.', { cause: error })
      })
      return { metadata: metadata === null ? null : readCoreMetadata(metadata), consoleScripts }
    }
  }
  if (!wheel.hasMetadata) return { metadata: null, consoleScripts: null }
  const response = await access.get(new URL(`${wheel.url.href}.metadata`), {}, signal)
  const text = (await readBytes(response, MAX_METADATA_BYTES)).toString('utf8')
  return { metadata: response.status === 200 ? readCoreMetadata(text) : null, consoleScripts: null }
}

function noSuchVersion(name: string, version: string | null): CatwalkError {
  return new CatwalkError(
    'version_not_found',
    version === null
      ? `Package ${quoted(name)} has no file in the Python package index that is not withdrawn.`
      : `Package ${quoted(name)} has no version ${quoted(version)} in the Python package index.`,
  )
}

function asUnavailable(error: unknown): CatwalkError {
  if (error instanceof CatwalkError) return error
  return unavailable('The Python package index does not answer as expected.', { cause: error })
}

function unavailable(
  message: string,
  more: { readonly cause?: unknown; readonly help?: string } = {},
): CatwalkError {
  return new CatwalkError('package_index_unavailable', message, more)
}
