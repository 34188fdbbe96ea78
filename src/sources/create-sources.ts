import type { Readable } from 'node:stream'
import {
  anySignal,
  CatwalkError,
  type HeldSnapshot,
  type Logger,
  type PackageIndex,
  type PinnedSource,
  type PypiIndex,
  type ReadableSource,
  type Secret,
  type SnapshotFile,
  type SourceHost,
  type SourceOptions,
} from '../domain/index.ts'
import { createHttpClient, HttpFailure } from '../network/index.ts'
import { createBundleReader } from './bundles.ts'
import { createGitReader } from './git.ts'
import { githubHosts } from './github-hosts.ts'
import { createGithubReader } from './github.ts'
import { SOURCE_LIMITS, type SourceLimits } from './limits.ts'
import { pinPackage, verified } from './packages.ts'
import { createSnapshotCache, type SnapshotCache } from './snapshot-cache.ts'
import { unpackTar } from './unpack-tar.ts'
import { unpackZip } from './unpack-zip.ts'

export interface SourcesOptions {
  /** For snapshots; made when it is missing. */
  readonly directory: string
  readonly maxCacheBytes: number
  /** GitHub's REST API, without a slash at the end. */
  readonly githubApiUrl: string
  /** For that API, when a caller has none. */
  readonly githubToken: Secret | null
  readonly npm: PackageIndex
  readonly pypi: PypiIndex
  readonly logger: Logger
  readonly userAgent: string
  /** Origins of git servers and of bundles that may be read although they are not public https; for tests. */
  readonly trustedGitOrigins?: readonly string[]
  /** `git` by default. */
  readonly gitCommand?: string
  readonly limits?: SourceLimits
}

/** Reads repositories and packages as snapshots, which it keeps below `directory`. */
export async function createSources(options: SourcesOptions): Promise<SourceHost & Disposable> {
  const limits = options.limits ?? SOURCE_LIMITS
  const hosts = githubHosts(options.githubApiUrl)
  const apiOrigin = new URL(options.githubApiUrl).origin
  const gitOrigins = options.trustedGitOrigins ?? []
  // An Enterprise server may be inside; its archives come from these.
  const enterprise = hosts.slice(1).flatMap(({ host }) => [`https://${host}`, `https://codeload.${host}`])
  const http = createHttpClient({
    trustedOrigins: [apiOrigin, ...enterprise, ...gitOrigins],
    userAgent: options.userAgent,
  })
  const cache = await createSnapshotCache({
    directory: options.directory,
    maxBytes: options.maxCacheBytes,
    logger: options.logger,
  })
  const github = createGithubReader({ http, hosts, token: options.githubToken, now: () => new Date() })
  const bundles = createBundleReader({ http, limits, directory: options.directory })
  const git = createGitReader({ http, trustedOrigins: gitOrigins, command: options.gitCommand })

  const hold = (
    pinned: PinnedSource,
    { owner }: SourceOptions,
    make: Parameters<SnapshotCache['open']>[2],
  ): Promise<HeldSnapshot> =>
    cache.open(
      // Kept apart, whatever the pin says: a private repository of one is not there for another.
      owner === undefined ? cacheKey(pinned) : `of ${owner} ${cacheKey(pinned)}`,
      {
        commit: pinned.source.kind === 'github' || pinned.source.kind === 'git' ? pinned.content : null,
        path: 'path' in pinned.source ? pinned.source.path : '',
      },
      make,
    )

  const pin = async (source: ReadableSource, within: SourceOptions): Promise<PinnedSource> => {
    switch (source.kind) {
      case 'github':
        return github.pin(source, within)
      case 'git':
        return git.pin(source, within)
      case 'mcpb':
        return bundles.pin(source, { limits, strip: 0, signal: within.signal }, async (pinned, make) => {
          await using _ = await hold(pinned, within, make)
        })
      case 'npm':
      case 'pypi': {
        const { archive: _, ...pinned } = await pinPackage(source, within.indexes ?? options, within.signal)
        return pinned
      }
    }
  }

  const read = async (
    pinned: PinnedSource,
    { directory, scratch }: { readonly directory: string; readonly scratch: string },
    within: SourceOptions,
  ): Promise<readonly SnapshotFile[]> => {
    const { source } = pinned
    const unpack = { directory, limits, signal: within.signal }
    switch (source.kind) {
      case 'github':
        return unpackTar((await github.archive(source, within)).body, 'gzip', { ...unpack, strip: 1 })
      case 'git':
        return git.read(source, { ...unpack, scratch, token: within.token, strip: 0 })
      case 'mcpb':
        return bundles.read(source, pinned.content, scratch, { ...unpack, strip: 0 })
      case 'npm':
      case 'pypi': {
        const indexes = within.indexes ?? options
        const { archive, content } = await pinPackage(source, indexes, within.signal)
        if (content !== pinned.content) {
          throw new CatwalkError(
            'source_malformed',
            'The package index changed the content of a version that was published.',
          )
        }
        const index = source.kind === 'npm' ? indexes.npm : indexes.pypi
        const bytes = verified(await index.download(archive, within.signal), archive.integrity)
        return archive.format === 'zip'
          ? unpackZip(bounded(bytes, limits.archiveBytes), scratch, {
              ...unpack,
              strip: 0,
            })
          : unpackTar(bytes, 'gzip', { ...unpack, strip: 1 })
      }
    }
  }

  return {
    githubHosts: hosts.map(({ host }) => host),
    pin: (source, within) => inTime(limits.timeoutMs, within, (limited) => pin(source, limited)),
    tags: (source, within) =>
      inTime(limits.timeoutMs, within, (limited) =>
        source.kind === 'github' ? github.tags(source, limited) : git.tags(source, limited),
      ),
    open: (pinned, within) =>
      hold(pinned, within, (directory, scratch) =>
        inTime(limits.timeoutMs, within, (limited) => read(pinned, { directory, scratch }, limited)),
      ),
    [Symbol.dispose]: () => http[Symbol.dispose](),
  }
}

/**
 * A commit alone would not do: whoever runs a git server can claim to have any. Whether the caller may read the source
 * was decided when it was pinned.
 */
function cacheKey({ source, content }: PinnedSource): string {
  switch (source.kind) {
    case 'github':
      return `github ${source.host}/${source.owner}/${source.repository} ${content}`.toLowerCase()
    case 'git':
      return `git ${source.url} ${content}`
    case 'mcpb':
      return `mcpb ${content}`
    case 'npm':
    case 'pypi':
      return `${source.kind} ${source.name} ${content}`
  }
}

/** Ends what takes too long, and turns failures of the network into errors of the catalogue. */
async function inTime<T>(
  timeoutMs: number,
  within: SourceOptions,
  act: (limited: SourceOptions) => Promise<T>,
): Promise<T> {
  const timeout = AbortSignal.timeout(timeoutMs)
  try {
    return await act({ ...within, signal: anySignal([within.signal, timeout]) })
  } catch (error) {
    within.signal.throwIfAborted()
    if (timeout.aborted) {
      throw new CatwalkError('source_timeout', `The source was not read within ${timeoutMs / 1000} s.`, {
        cause: error,
      })
    }
    if (!(error instanceof HttpFailure)) throw error
    const code =
      error.kind === 'refused'
        ? 'source_refused'
        : error.kind === 'too_large'
          ? 'source_too_large'
          : 'source_unavailable'
    throw new CatwalkError(code, error.message, { cause: error })
  }
}

async function* bounded(bytes: Readable, maxBytes: number): AsyncGenerator<Buffer> {
  let total = 0
  for await (const chunk of bytes as AsyncIterable<Buffer>) {
    total += chunk.length
    if (total > maxBytes) throw new CatwalkError('source_too_large', 'The archive is too large.')
    yield chunk
  }
}
