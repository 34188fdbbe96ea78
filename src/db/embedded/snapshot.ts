import { constants } from 'node:fs'
import { cp, mkdir, readdir, rename, rm } from 'node:fs/promises'
import path from 'node:path'

const KEPT = 3

/**
 * Copies the directory of a stopped database to `backups/`, under the time and a label, and keeps the newest three.
 * To go back: stop Catwalk, put the copy in the place of `database`, start the former version.
 * @returns the copy's path
 */
export async function snapshotDatabase(dataDir: string, label: string, now: Date): Promise<string> {
  const backups = path.join(dataDir, 'backups')
  await mkdir(backups, { recursive: true, mode: 0o700 })
  const stamp = now.toISOString().replaceAll(/[-:]|\.\d+/g, '')
  const copy = path.join(backups, `${stamp}-before-${label}`)
  const unfinished = path.join(backups, 'unfinished')
  await rm(unfinished, { recursive: true, force: true })
  await cp(path.join(dataDir, 'database'), unfinished, {
    recursive: true,
    verbatimSymlinks: true,
    // Shares the blocks where the file system can.
    mode: constants.COPYFILE_FICLONE,
  })
  await rename(unfinished, copy)
  const old = (await readdir(backups)).filter((name) => name.includes('-before-')).toSorted()
  for (const name of old.slice(0, -KEPT)) await rm(path.join(backups, name), { recursive: true })
  return copy
}
