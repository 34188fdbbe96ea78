import { createHash } from 'node:crypto'
import { chmod, chown, mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Directories } from './directories.ts'
import { diskUsageMiB, guardDisk } from './disk-usage.ts'
import type { Identity } from './identities.ts'

/** The directories in which servers keep what they write. */
export interface Homes {
  /** Makes the home of a deployment, or of one person there, readable for nobody else, and returns its path. */
  provide(deploymentId: string, person: string | null, identity: Identity | null): Promise<string>
  /**
   * Watches what the homes of a deployment take together.
   * @param exceeded called once, when it is more than they may
   * @returns ends the watch
   */
  guard(deploymentId: string, exceeded: () => void): () => void
  /** Removes the homes of people that are not among these. */
  keepPeople(deploymentId: string, people: ReadonlySet<string>): Promise<void>
  /** What the homes of each deployment take, in MiB. */
  usage(signal: AbortSignal): Promise<ReadonlyMap<string, number>>
  /** Removes everything that a deployment has kept. */
  remove(deploymentId: string): Promise<void>
}

const PEOPLE = 'people'

/** Whatever characters an id has, and no two people share one. */
function folderOf(person: string): string {
  return createHash('sha256').update(person).digest('hex').slice(0, 32)
}

interface Watch {
  readonly listeners: Set<() => void>
  end(): void
}

/** @param quotaMiB what the homes of one deployment may take; null for no limit */
export function createHomes(directories: Directories, quotaMiB: number | null): Homes {
  /** One for all processes of a deployment. */
  const watches = new Map<string, Watch>()
  const pathOf = (deploymentId: string): string => {
    // Ids are ours, but what is removed with everything in it deserves a second look.
    if (!/^[a-z0-9_]+$/.test(deploymentId)) throw new Error(`not a deployment id: ${deploymentId}`)
    return join(directories.deployments, deploymentId)
  }
  const watch = (deploymentId: string, limitMiB: number): Watch => {
    const listeners = new Set<() => void>()
    const end = guardDisk(pathOf(deploymentId), limitMiB, () => {
      if (watches.get(deploymentId) === begun) watches.delete(deploymentId)
      for (const listener of listeners) listener()
    })
    const begun = { listeners, end }
    watches.set(deploymentId, begun)
    return begun
  }
  return {
    guard: (deploymentId, exceeded) => {
      if (quotaMiB === null) return () => undefined
      const found = watches.get(deploymentId) ?? watch(deploymentId, quotaMiB)
      // Two who listen with the same function are still two.
      const listener = (): void => exceeded()
      found.listeners.add(listener)
      return () => {
        if (!found.listeners.delete(listener) || found.listeners.size > 0) return
        if (watches.get(deploymentId) === found) watches.delete(deploymentId)
        found.end()
      }
    },
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
    usage: async (signal) => {
      const found = new Map<string, number>()
      for (const name of await readdir(directories.deployments)) {
        const usedMiB = await diskUsageMiB(join(directories.deployments, name), signal)
        if (usedMiB !== null) found.set(name, usedMiB)
      }
      return found
    },
    remove: async (deploymentId) => {
      await rm(pathOf(deploymentId), { recursive: true, force: true })
    },
  }
}
