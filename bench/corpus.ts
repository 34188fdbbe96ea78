import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** A server of a corpus: a published package, and what was seen of it when it was run by hand. */
export interface CorpusServer {
  readonly name: string
  readonly version: string
  readonly isMcpServer: boolean
  readonly repository: string | null
  /** The executable that `npx` would run. */
  readonly npxBin: string | null
  /** Placeholders with which it was run. */
  readonly dummy: {
    readonly env?: Readonly<Record<string, string>>
    readonly args?: readonly string[]
  } | null
  readonly answersWithDocumentedConfig: boolean
  /** What it took: `noEnv`, `dummyEnv`, `args`, `scripts`, `node24`; null when it never answered. */
  readonly bestRun: string | null
  readonly tools: readonly string[] | null
}

/**
 * @param path of a corpus: a folder with a servers.json, or such a file
 * @param only parts of names, of which one is enough; all when there is none
 */
export async function loadCorpus(path: string, only: readonly string[]): Promise<readonly CorpusServer[]> {
  const file = (await stat(path)).isDirectory() ? join(path, 'servers.json') : path
  // The corpus is ours to keep in this form.
  const servers = JSON.parse(await readFile(file, 'utf8')) as readonly CorpusServer[]
  return servers.filter(({ name }) => only.length === 0 || only.some((part) => name.includes(part)))
}

/** Owner and name of the repository that a package's entry names; `corpus/NAME` where it names none on GitHub. */
export function repositoryOf({
  name,
  repository,
}: Pick<CorpusServer, 'name' | 'repository'>): readonly [string, string] {
  const match = /github\.com[/:]([\w.-]+)\/([\w.-]+?)(?:\.git)?(?:[/#].*)?$/.exec(repository ?? '')
  return match === null
    ? ['corpus', name.replaceAll(/[^\w.-]+/g, '-').replace(/^-/, '')]
    : [match[1] ?? '', match[2] ?? '']
}
