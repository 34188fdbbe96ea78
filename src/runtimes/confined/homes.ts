import { createHash } from 'node:crypto'
import { chmod, chown, mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Directories } from './directories.ts'
import type { Identity } from './identities.ts'

/** The directories in which servers keep what they write. */
export interface Homes {
  /** Makes the home of a deployment, or of one person there, readable for nobody else, and returns its path. */
  provide(deploymentId: string, person: string | null, identity: Identity | null): Promise<string>
  /** Removes the homes of people that are not among these. */
  keepPeople(deploymentId: string, people: ReadonlySet<string>): Promise<void>
  /** Removes everything that a deployment has kept. */
  remove(deploymentId: string): Promise<void>
}

const PEOPLE = 'people'

/** Whatever characters an id has, and no two people share one. */
function folderOf(person: string): string {
  return createHash('sha256').update(person).digest('hex').slice(0, 32)
}

export function createHomes(directories: Directories): Homes {
  const pathOf = (deploymentId: string): string => {
    // Ids are ours, but what is removed with everything in it deserves a second look.
    if (!/^[a-z0-9_]+$/.test(deploymentId)) throw new Error(`not a deployment id: ${deploymentId}`)
    return join(directories.deployments, deploymentId)
  }
  return {
    provide: async (deploymentId, person, identity) => {
      const own = pathOf(deploymentId)
      const directory = person === null ? own : join(own, PEOPLE, folderOf(person))
      const home = join(directory, 'home')
      await mkdir(home, { recursive: true, mode: 0o700 })
      const above = person === null ? [] : [own, join(own, PEOPLE)]
      for (const path of [...above, directory, home]) {
        if (identity !== null) await chown(path, identity.uid, identity.gid)
        await chmod(path, 0o700)
      }
      return home
    },
    keepPeople: async (deploymentId, people) => {
      const directory = join(pathOf(deploymentId), PEOPLE)
      const kept = new Set([...people].map(folderOf))
      for (const name of await readdir(directory).catch(() => [])) {
        if (!kept.has(name)) await rm(join(directory, name), { recursive: true, force: true })
      }
    },
    remove: async (deploymentId) => {
      await rm(pathOf(deploymentId), { recursive: true, force: true })
    },
  }
}
