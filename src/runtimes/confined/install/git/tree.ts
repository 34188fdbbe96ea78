import { chown, cp, lstat, mkdir, readdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Snapshot } from '../../../../domain/index.ts'
import type { Identity } from '../../identities.ts'
import { provideDirectory } from '../work.ts'

/** Copies a snapshot to where it can be built, with further files, and makes all of it the installing user's. */
export async function copySnapshot(
  snapshot: Snapshot,
  target: string,
  files: Readonly<Record<string, string>>,
  identity: Identity | null,
): Promise<void> {
  await provideDirectory(target, identity, {})
  await cp(snapshot.directory, target, { recursive: true, verbatimSymlinks: true, mode: COPY_LAZILY })
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(target, path)), { recursive: true })
    await writeFile(join(target, path), content)
  }
  if (identity !== null) await giveTo(target, identity)
}

/** `COPYFILE_FICLONE`: shares the blocks where the file system can. */
const COPY_LAZILY = 2

async function giveTo(path: string, identity: Identity): Promise<void> {
  await chown(path, identity.uid, identity.gid)
  if (!(await lstat(path)).isDirectory()) return
  for (const name of await readdir(path)) await giveTo(join(path, name), identity)
}
