import { chmod, mkdir } from 'node:fs/promises'
import { join } from 'node:path'

/** What a runtime keeps in the data directory. */
export interface Directories {
  /** Everything below that is the runtime's own. */
  readonly own: string
  /** Node, npm and the files that every sandbox shows; one sub-directory per version. */
  readonly toolchain: string
  /** Installed packages, one read-only sub-directory per key. */
  readonly store: string
  /** npm's download cache; only installations see it. */
  readonly cache: string
  /** One sub-directory per deployment, whichever runtime it is on, the only place where its server can write for good. */
  readonly deployments: string
  /** Work in progress. Whatever is here when the program starts was left by a killed one. */
  readonly temporary: string
}

/**
 * Makes the directories. As root they can be passed through, but not listed, by the users that servers run as;
 * otherwise they are private.
 * @param folder where in the data directory the runtime keeps what no other uses
 */
export async function createDirectories(dataDir: string, asRoot: boolean, folder = ''): Promise<Directories> {
  const own = join(dataDir, folder)
  const directories = {
    own,
    toolchain: join(own, 'toolchain'),
    store: join(own, 'store'),
    cache: join(own, 'cache'),
    temporary: join(own, 'tmp'),
    deployments: join(dataDir, 'deployments'),
  }
  const mode = asRoot ? 0o711 : 0o700
  for (const directory of Object.values(directories)) {
    await mkdir(directory, { recursive: true })
    // mkdir's mode passes through the umask, which may be stricter than what the dropped users need.
    await chmod(directory, mode)
  }
  return directories
}
