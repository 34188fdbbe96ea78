import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** A server of a corpus: a published package, and what was seen of it when it was run by hand. */
export interface CorpusServer {
  readonly name: string
  readonly version: string
  readonly isMcpServer: boolean
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
 * @param only part of a name; all when it is empty
 */
export async function loadCorpus(path: string, only: string): Promise<readonly CorpusServer[]> {
  const file = (await stat(path)).isDirectory() ? join(path, 'servers.json') : path
  // The corpus is ours to keep in this form.
  const servers = JSON.parse(await readFile(file, 'utf8')) as readonly CorpusServer[]
  return servers.filter(({ name }) => name.includes(only))
}
