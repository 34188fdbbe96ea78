import { randomBytes } from 'node:crypto'
import { chmod, chown, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { ConfinedCommand } from '../confined/index.ts'
import type { ContainerParts } from './container.ts'

/** A file system in memory that every Linux has: secrets are on no disk. */
const MEMORY = '/dev/shm'

/** Directories of this machine that a server in an image of its own is shown. */
export interface Places {
  /** Where the socket that leads to its port is made; null when it has none. */
  readonly wayIn: string | null
  /** Its credentials that are files; null when it has none. */
  readonly files: string | null
  close(): Promise<void>
}

/** Makes them, for nobody but the server's user. */
export async function openPlaces(
  { sockets, host }: ContainerParts,
  { files, image }: Pick<ConfinedCommand, 'files' | 'image'>,
  identity: ConfinedCommand['identity'],
): Promise<Places> {
  const name = randomBytes(6).toString('hex')
  const made: string[] = []
  const give = async (path: string): Promise<void> => {
    if (identity !== null) await chown(path, identity.uid, identity.gid)
  }
  const makeDirectory = async (path: string): Promise<string> => {
    await mkdir(path, { recursive: true, mode: 0o700 })
    made.push(path)
    await give(path)
    return path
  }
  const close = async (): Promise<void> => {
    for (const path of made) await rm(path, { recursive: true, force: true })
  }
  try {
    const wayIn = (image?.port ?? null) === null ? null : await makeWay(sockets, name, makeDirectory)
    if (files.length === 0) return { wayIn, files: null, close }
    const directory = await makeDirectory(join(MEMORY, `catwalk-${host.installation}-${name}`))
    for (const { path, content } of files) {
      const file = join(directory, basename(path))
      await writeFile(file, content, { mode: 0o600, flag: 'wx' })
      await give(file)
    }
    return { wayIn, files: directory, close }
  } catch (error) {
    await close()
    throw error
  }
}

async function makeWay(
  sockets: string,
  name: string,
  makeDirectory: (path: string) => Promise<string>,
): Promise<string> {
  await mkdir(sockets, { recursive: true, mode: 0o711 })
  await chmod(sockets, 0o711)
  return makeDirectory(join(sockets, name))
}

/** Removes credentials that a killed run of the program left in memory. */
export async function sweepFiles(installation: string): Promise<void> {
  const left = (await readdir(MEMORY).catch(() => [])).filter((name) =>
    name.startsWith(`catwalk-${installation}-`),
  )
  for (const name of left) await rm(join(MEMORY, name), { recursive: true, force: true })
}
