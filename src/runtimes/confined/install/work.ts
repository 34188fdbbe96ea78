import { chown, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Identity } from '../identities.ts'
import type { Store } from './store.ts'

/** Where one installation is made. */
export interface Work {
  readonly directory: string
  /** What the steps work on and what becomes the store's entry. */
  readonly tree: string
  readonly configuration: string
}

/** Runs `body` with a directory of its own, which is removed afterwards. */
export async function withWork<T>(store: Store, body: (work: Work) => Promise<T>): Promise<T> {
  const directory = await store.makeWork()
  try {
    return await body({
      directory,
      tree: join(directory, 'tree'),
      configuration: join(directory, 'configuration'),
    })
  } finally {
    await store.discard(directory)
  }
}

/** A directory that only the installing user can look into. */
export async function provideDirectory(
  path: string,
  identity: Identity | null,
  files: Readonly<Record<string, string>>,
): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 })
  for (const [name, text] of Object.entries(files)) {
    const file = join(path, name)
    await writeFile(file, text, { mode: 0o600 })
    if (identity !== null) await chown(file, identity.uid, identity.gid)
  }
  if (identity !== null) await chown(path, identity.uid, identity.gid)
}
