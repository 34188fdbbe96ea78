import { createSources, type SourcesOptions } from '../../src/sources/index.ts'
import type {
  PackageIndex,
  PinnedSource,
  PypiIndex,
  ReadableSource,
  Secret,
  SourceHost,
} from '../../src/domain/index.ts'
import { parseSource } from '../../src/domain/index.ts'
import { silentLogger } from '../support/logger.ts'

const unused = (): Promise<never> => Promise.reject(new Error('not asked in this test'))
const noNpm: PackageIndex = { resolve: unused, download: unused, weeklyDownloads: unused }
const noPypi: PypiIndex = { resolve: unused, download: unused }

/** Sources as a test needs them: everything that it does not name is out of reach. */
export function openSources(
  directory: string,
  options: Partial<SourcesOptions> = {},
): Promise<SourceHost & Disposable> {
  return createSources({
    directory,
    maxCacheBytes: 1024 * 1024,
    githubApiUrl: 'http://127.0.0.1:9',
    githubToken: null,
    npm: noNpm,
    pypi: noPypi,
    logger: silentLogger,
    userAgent: 'catwalk-test',
    ...options,
  })
}

/** Reads what a person types. */
function readable(text: string, githubHosts: readonly string[] = []): ReadableSource {
  const source = parseSource(text, { githubHosts })
  switch (source.kind) {
    case 'github':
    case 'git':
    case 'npm':
    case 'pypi':
    case 'mcpb':
      return source
    case 'oci':
    case 'registry':
    case 'remote':
    case 'snippet':
      throw new Error(`${text} has no files`)
  }
}

export interface Read {
  readonly pinned: PinnedSource
  readonly directory: string
  readonly path: string
  readonly files: Readonly<Record<string, string | null>>
}

/** Pins and opens a source, and gives back its texts. */
export async function read(sources: SourceHost, text: string, token: Secret | null = null): Promise<Read> {
  const within = { token, signal: new AbortController().signal }
  const pinned = await sources.pin(readable(text, sources.githubHosts), within)
  await using snapshot = await sources.open(pinned, within)
  const texts = [...snapshot.files.keys()].map((path) => [path, snapshot.text(path)] as const)
  return { pinned, directory: snapshot.directory, path: snapshot.path, files: Object.fromEntries(texts) }
}
