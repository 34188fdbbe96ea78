import { readdir, readFile, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import type { Logger } from '../../domain/index.ts'
import { isCode, syncDirectory } from './directories.ts'
import { stopLeftovers } from './leftovers.ts'

/*
 * Names below the data directory. `database` is the cluster in use. One that is being made is `database.unfinished-N`
 * until it is whole; then it becomes `database`, or in place of a former one first `database.upgraded`. Between the two
 * renames that follow there is no `database`: settle() does the second.
 */

const DATABASE = 'database'
export const UNFINISHED = 'database.unfinished-'
const UPGRADED = 'database.upgraded'
const KEPT = /^database\.postgresql-\d+-/

/** The path of the cluster in use. */
export function databaseIn(dataDir: string): string {
  return path.join(dataDir, DATABASE)
}

/**
 * Finishes, or clears away, what a killed start left. Of a database that was brought over but not put in its place
 * nothing is used once there is a `database`: whoever started a former version meanwhile may have written to it.
 * @returns the major version that made the database; null when there is none
 */
export async function settle(dataDir: string, logger: Logger, signal: AbortSignal): Promise<number | null> {
  const upgraded = path.join(dataDir, UPGRADED)
  if ((await madeBy(databaseIn(dataDir))) === null && (await madeBy(upgraded)) !== null) {
    await rename(upgraded, databaseIn(dataDir))
    await syncDirectory(dataDir)
    logger.warn({}, 'the upgrade of the database that was cut off is finished')
  }
  for (const name of await readdir(dataDir)) {
    if (name !== UPGRADED && !name.startsWith(UNFINISHED)) continue
    await stopLeftovers(path.join(dataDir, name), logger, signal)
    await rm(path.join(dataDir, name), { recursive: true })
  }
  return madeBy(databaseIn(dataDir))
}

/** Puts a cluster that was just made where there is none. */
export async function putFirst(dataDir: string, unfinished: string): Promise<void> {
  await rename(unfinished, databaseIn(dataDir))
  await syncDirectory(dataDir)
}

/** A moment between two renames, for tests that kill the program there. */
export type SwapStep = 'database.upgraded' | 'database.kept'

/**
 * Puts a cluster in the place of the former one, which is kept. Neither runs.
 * @returns where the former one is now
 */
export async function putInstead(
  dataDir: string,
  unfinished: string,
  former: { readonly major: number; readonly now: Date },
  reached: (step: SwapStep) => Promise<void>,
): Promise<string> {
  const upgraded = path.join(dataDir, UPGRADED)
  const stamp = former.now.toISOString().replaceAll(/[-:]|\.\d+/g, '')
  const kept = path.join(dataDir, `database.postgresql-${former.major}-${stamp}`)
  // Each is on the disk before the next, so that a machine that loses its power sees them in this order as well.
  await rename(unfinished, upgraded)
  await syncDirectory(dataDir)
  await reached('database.upgraded')
  await rename(databaseIn(dataDir), kept)
  await syncDirectory(dataDir)
  await reached('database.kept')
  await rename(upgraded, databaseIn(dataDir))
  await syncDirectory(dataDir)
  return kept
}

/** Databases of former majors, kept when they were brought over; the oldest first. Empty without a data directory. */
export async function keptDatabases(dataDir: string): Promise<readonly string[]> {
  const names = await readdir(dataDir).catch((error: unknown) => {
    if (isCode(error, 'ENOENT')) return []
    throw error
  })
  return names
    .filter((name) => KEPT.test(name))
    .toSorted((a, b) => (a.split('-').at(-1) ?? '').localeCompare(b.split('-').at(-1) ?? ''))
    .map((name) => path.join(dataDir, name))
}

async function madeBy(directory: string): Promise<number | null> {
  try {
    return Number((await readFile(path.join(directory, 'PG_VERSION'), 'utf8')).trim())
  } catch (error) {
    if (isCode(error, 'ENOENT')) return null
    throw error
  }
}
