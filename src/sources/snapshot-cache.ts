import { createHash, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { lstat, mkdir, readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CatwalkError, type HeldSnapshot, type Logger, type SnapshotFile } from '../domain/index.ts'

export interface SnapshotCacheOptions {
  /** Made when it is missing; nothing else may lie in it. */
  readonly directory: string
  /** Of all snapshots that nobody holds; the least recently used go first. */
  readonly maxBytes: number
  readonly logger: Logger
}

export interface SnapshotCache {
  /**
   * The snapshot of a key; `make` fills a fresh directory when there is none. Callers that come meanwhile share it.
   * @param key says all that the content depends on
   * @param make may use `scratch`, which is removed afterwards
   */
  open(
    key: string,
    place: { readonly commit: string | null; readonly path: string },
    make: Make,
  ): Promise<HeldSnapshot>
}

type Make = (directory: string, scratch: string) => Promise<readonly SnapshotFile[]>

/** How the names of what a crash leaves behind begin. */
export const UNFINISHED = 'unfinished-'
const INDEX = 'index.json'
const MAX_TEXT_BYTES = 1024 * 1024

/** Snapshots below one directory, each in a folder named by the hash of its key, put in place by a rename. */
export async function createSnapshotCache(options: SnapshotCacheOptions): Promise<SnapshotCache> {
  const { directory, maxBytes, logger } = options
  // Others may pass through, so that a sandbox under another user can read a snapshot, but not list.
  await mkdir(directory, { recursive: true, mode: 0o711 })
  for (const name of await readdir(directory)) {
    if (name.startsWith(UNFINISHED)) await rm(join(directory, name), { recursive: true, force: true })
  }
  const holds = new Map<string, number>()
  const making = new Map<string, Promise<void>>()

  const fill = async (name: string, make: Make): Promise<void> => {
    if ((await readIndex(join(directory, name))) !== null) return
    const unfinished = join(directory, `${UNFINISHED}${randomUUID()}`)
    try {
      await mkdir(join(unfinished, 'files'), { recursive: true, mode: 0o755 })
      const scratch = join(unfinished, 'scratch')
      await mkdir(scratch, { mode: 0o700 })
      const files = await make(join(unfinished, 'files'), scratch)
      await rm(scratch, { recursive: true, force: true })
      await writeFile(join(unfinished, INDEX), JSON.stringify(files.map(({ path, bytes }) => [path, bytes])))
      // What is in the way is one without an index.
      await rm(join(directory, name), { recursive: true, force: true })
      await rename(unfinished, join(directory, name))
    } finally {
      await rm(unfinished, { recursive: true, force: true })
    }
    await evict(directory, maxBytes, holds).catch((error: unknown) => {
      logger.warn({ err: error }, 'old snapshots could not be removed')
    })
  }

  return {
    open: async (key, { commit, path }, make) => {
      const name = createHash('sha256').update(key).digest('hex').slice(0, 40)
      holds.set(name, (holds.get(name) ?? 0) + 1)
      let isHeld = true
      const release = async (): Promise<void> => {
        if (!isHeld) return
        isHeld = false
        const left = (holds.get(name) ?? 1) - 1
        if (left > 0) holds.set(name, left)
        else holds.delete(name)
      }
      try {
        const filling = making.get(name) ?? fill(name, make)
        making.set(name, filling)
        await filling.finally(() => making.delete(name))
        const folder = join(directory, name)
        const files = (await readIndex(folder)) ?? []
        const now = new Date()
        await utimes(join(folder, INDEX), now, now)
        return holdSnapshot({
          directory: join(folder, 'files'),
          commit,
          path: folderIn(files, path),
          files,
          release,
        })
      } catch (error) {
        await release()
        throw error
      }
    },
  }
}

/** The folder that was asked for; of a file that was named, the folder it is in. */
function folderIn(files: readonly SnapshotFile[], path: string): string {
  if (path === '' || files.some((file) => file.path.startsWith(`${path}/`))) return path
  if (files.some((file) => file.path === path)) return path.split('/').slice(0, -1).join('/')
  throw new CatwalkError('source_not_found', `There is no folder '${path}' in it.`)
}

interface Held {
  readonly directory: string
  readonly commit: string | null
  readonly path: string
  readonly files: readonly SnapshotFile[]
  readonly release: () => Promise<void>
}

function holdSnapshot({ directory, commit, path, files, release }: Held): HeldSnapshot {
  const byPath = new Map(files.map((file) => [file.path, file]))
  const decoder = new TextDecoder('utf-8', { fatal: true })
  return {
    directory,
    commit,
    path,
    files: byPath,
    text: (name, maxBytes = MAX_TEXT_BYTES) => {
      const file = byPath.get(name)
      if (file === undefined || file.bytes > maxBytes) return null
      try {
        return decoder.decode(readFileSync(join(directory, name)))
      } catch (error) {
        if (error instanceof TypeError) return null
        throw error
      }
    },
    [Symbol.asyncDispose]: release,
  }
}

/** Our own file, so its form is trusted; null when it is not there. */
async function readIndex(folder: string): Promise<readonly SnapshotFile[] | null> {
  const text = await readFile(join(folder, INDEX), 'utf8').catch(() => null)
  if (text === null) return null
  return (JSON.parse(text) as readonly [string, number][]).map(([path, bytes]) => ({ path, bytes }))
}

async function evict(directory: string, maxBytes: number, holds: ReadonlyMap<string, number>): Promise<void> {
  const names = (await readdir(directory)).filter((name) => !name.startsWith(UNFINISHED))
  const all = await Promise.all(
    names.map(async (name) => {
      const files = (await readIndex(join(directory, name))) ?? []
      const used = await lstat(join(directory, name, INDEX)).catch(() => null)
      return { name, bytes: files.reduce((sum, file) => sum + file.bytes, 0), usedAt: used?.mtimeMs ?? 0 }
    }),
  )
  let total = all.reduce((sum, { bytes }) => sum + bytes, 0)
  for (const { name, bytes } of all.toSorted((a, b) => a.usedAt - b.usedAt)) {
    if (total <= maxBytes) return
    if (holds.has(name)) continue
    // First out of the way in one step, so that nobody finds half of it.
    const leaving = join(directory, `${UNFINISHED}${randomUUID()}`)
    await rename(join(directory, name), leaving)
    await rm(leaving, { recursive: true, force: true })
    total -= bytes
  }
}
