import { chmod, chown, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Directories } from './directories.ts'
import type { Identity } from './identities.ts'

/** The directories in which servers keep what they write. */
export interface Homes {
  /** Makes the home of a deployment, readable for nobody else, and returns its path. */
  provide(deploymentId: string, identity: Identity | null): Promise<string>
  /** Removes everything that a deployment has kept. */
  remove(deploymentId: string): Promise<void>
}

export function createHomes(directories: Directories): Homes {
  const pathOf = (deploymentId: string): string => {
    // Ids are ours, but what is removed with everything in it deserves a second look.
    if (!/^[a-z0-9_]+$/.test(deploymentId)) throw new Error(`not a deployment id: ${deploymentId}`)
    return join(directories.deployments, deploymentId)
  }
  return {
    provide: async (deploymentId, identity) => {
      const directory = pathOf(deploymentId)
      const home = join(directory, 'home')
      await mkdir(home, { recursive: true, mode: 0o700 })
      for (const path of [directory, home]) {
        if (identity !== null) await chown(path, identity.uid, identity.gid)
        await chmod(path, 0o700)
      }
      return home
    },
    remove: async (deploymentId) => {
      await rm(pathOf(deploymentId), { recursive: true, force: true })
    },
  }
}
