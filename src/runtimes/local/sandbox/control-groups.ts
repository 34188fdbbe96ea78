import { createHash } from 'node:crypto'
import { mkdir, readFile, readdir, rmdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Limits } from '../../confined/index.ts'

/** The group that holds one confined program and everything it starts. */
export interface ControlGroup {
  /** Puts a process (id as the host sees it) into the group; what it starts from then on is in it too. */
  add(pid: number): Promise<void>
  /** What its processes hold in memory that cannot be dropped at once, in MiB; null when the kernel does not say. */
  memoryMiB(): Promise<number | null>
  /** Whether the kernel has ended a process of the group for want of memory. */
  ranOutOfMemory(): Promise<boolean>
  /** Ends what is left in it and removes it. */
  remove(): Promise<void>
}

/** The kernel's resource limits, where this host lets us use them. */
export interface ControlGroups {
  /** In words, for status pages: what is limited. */
  readonly detail: string
  /** Null when limits cannot be set here. */
  create(label: string, limits: Limits): Promise<ControlGroup | null>
  /** Ends and removes the groups that an earlier run of the program left behind. */
  sweep(): Promise<void>
}

interface Hierarchy {
  /** Directory under which our groups are made. It is there only while there are groups. */
  readonly directory: string
  /** Makes the directory. */
  readonly provide: () => Promise<void>
  /** Files to write into a new group. */
  readonly settings: (limits: Limits) => Readonly<Record<string, string>>
}

const MIB = 1024 * 1024
const CPU_PERIOD_US = 100_000

const V2_SETTINGS: Hierarchy['settings'] = ({ memoryMiB, tasks, cpus }) => ({
  'memory.max': String(memoryMiB * MIB),
  'memory.swap.max': '0',
  'memory.oom.group': '1',
  'pids.max': String(tasks),
  'cpu.max': `${Math.round(cpus * CPU_PERIOD_US)} ${CPU_PERIOD_US}`,
})

const V1_SETTINGS: Readonly<Record<string, Hierarchy['settings']>> = {
  memory: ({ memoryMiB }) => ({
    'memory.limit_in_bytes': String(memoryMiB * MIB),
    'memory.memsw.limit_in_bytes': String(memoryMiB * MIB),
  }),
  pids: ({ tasks }) => ({ 'pids.max': String(tasks) }),
  cpu: ({ cpus }) => ({
    'cpu.cfs_period_us': String(CPU_PERIOD_US),
    'cpu.cfs_quota_us': String(Math.round(cpus * CPU_PERIOD_US)),
  }),
}

// These are finer points that a kernel may lack; the others are the limits themselves.
const OPTIONAL: ReadonlySet<string> = new Set([
  'memory.swap.max',
  'memory.oom.group',
  'memory.memsw.limit_in_bytes',
])

/**
 * Finds the hierarchies in which we may make groups, version 2 or 1. The groups of one installation are under a name made
 * from its data directory, so that several on one host leave each other alone.
 */
export async function findControlGroups(dataDir: string, root = '/sys/fs/cgroup'): Promise<ControlGroups> {
  const name = `catwalk-${createHash('sha256').update(dataDir).digest('hex').slice(0, 12)}`
  const hierarchies = (await findVersion2(root, name)) ?? (await findVersion1(root, name))
  const limited = hierarchies.length > 0
  return {
    detail: limited
      ? 'memory, processes and processor time are limited'
      : 'memory and processes are limited bluntly (control groups are not writable)',
    create: async (label, limits) => (limited ? createGroup(hierarchies, label, limits) : null),
    sweep: async () => {
      for (const { directory } of hierarchies) {
        const entries = await readdir(directory, { withFileTypes: true }).catch(() => [])
        for (const entry of entries) {
          if (entry.isDirectory()) await removeGroup(join(directory, entry.name))
        }
        await succeeds(() => rmdir(directory))
      }
    },
  }
}

async function findVersion2(root: string, name: string): Promise<Hierarchy[] | null> {
  const controllers = await readFile(join(root, 'cgroup.controllers'), 'utf8').catch(() => null)
  if (controllers === null) return null
  const own = /^0::(\/.*)$/m.exec(await readFile('/proc/self/cgroup', 'utf8'))?.[1] ?? '/'
  // The top first: only there may a group that has processes of its own have sub-groups with limits.
  for (const parent of new Set([root, join(root, own)])) {
    const directory = join(parent, name)
    const provide = async (): Promise<void> => {
      await enableControllers(parent)
      await mkdir(directory, { recursive: true })
      await enableControllers(directory)
    }
    if (await succeeds(provide)) return [{ directory, provide, settings: V2_SETTINGS }]
  }
  return []
}

async function enableControllers(group: string): Promise<void> {
  const file = join(group, 'cgroup.subtree_control')
  const enabled = new Set((await readFile(file, 'utf8')).trim().split(' '))
  const missing = ['memory', 'pids', 'cpu'].filter((controller) => !enabled.has(controller))
  if (missing.length > 0) await writeFile(file, missing.map((controller) => `+${controller}`).join(' '))
}

async function findVersion1(root: string, name: string): Promise<Hierarchy[]> {
  const hierarchies: Hierarchy[] = []
  for (const [controller, settings] of Object.entries(V1_SETTINGS)) {
    const directory = join(root, controller, name)
    // Without this file it is no hierarchy of this controller, only a directory.
    const provide = async (): Promise<void> => {
      await readFile(join(root, controller, 'cgroup.procs'))
      await mkdir(directory, { recursive: true })
    }
    if (await succeeds(provide)) hierarchies.push({ directory, provide, settings })
  }
  return hierarchies
}

async function createGroup(
  hierarchies: readonly Hierarchy[],
  label: string,
  limits: Limits,
): Promise<ControlGroup | null> {
  const directories: string[] = []
  try {
    const made = hierarchies.map(async ({ directory, provide, settings }) => {
      const group = join(directory, label)
      await makeGroup(group, provide)
      directories.push(group)
      for (const [file, value] of Object.entries(settings(limits))) {
        await writeFile(join(group, file), value).catch((error: unknown) => {
          if (!OPTIONAL.has(file)) throw error
        })
      }
    })
    // All of them, also when one has failed: whatever was made is removed again.
    const failed = (await Promise.allSettled(made)).find(({ status }) => status === 'rejected')
    if (failed !== undefined) throw new Error('a control group could not be made')
  } catch {
    await Promise.all(directories.map(removeGroup))
    return null
  }
  return {
    add: async (pid) => {
      await Promise.all(directories.map((group) => writeFile(join(group, 'cgroup.procs'), String(pid))))
    },
    memoryMiB: async () => {
      for (const group of directories) {
        const used =
          (await readNumber(join(group, 'memory.current'))) ??
          (await readNumber(join(group, 'memory.usage_in_bytes')))
        if (used === null) continue
        const stat = await readFile(join(group, 'memory.stat'), 'utf8').catch(() => '')
        // What was read from files and is not in use goes when memory is needed.
        const droppable = Number(/^(?:total_)?inactive_file (\d+)$/m.exec(stat)?.[1] ?? 0)
        return Math.round(Math.max(0, used - droppable) / MIB)
      }
      return null
    },
    ranOutOfMemory: async () => {
      for (const group of directories) {
        for (const file of ['memory.events', 'memory.oom_control']) {
          const text = await readFile(join(group, file), 'utf8').catch(() => '')
          if (/^oom_kill [1-9]/m.test(text)) return true
        }
      }
      return false
    },
    remove: async () => {
      await Promise.all(directories.map(removeGroup))
    },
  }
}

async function readNumber(path: string): Promise<number | null> {
  const text = await readFile(path, 'utf8').catch(() => null)
  return text === null ? null : Number(text)
}

const MAKE_ATTEMPTS = 5

/** The directory above may go just now, together with the last other group in it. */
async function makeGroup(group: string, provide: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    await provide()
    try {
      return await mkdir(group)
    } catch (error) {
      if (attempt === MAKE_ATTEMPTS) throw error
    }
  }
}

const REMOVE_ATTEMPTS = 100
const REMOVE_INTERVAL_MS = 10

/** A group can only be removed when its processes are gone, which takes the kernel a moment after they were killed. */
async function removeGroup(group: string): Promise<void> {
  for (let attempt = 0; attempt < REMOVE_ATTEMPTS; attempt += 1) {
    if (await succeeds(() => rmdir(group))) {
      // Fails, as it should, while there are other groups.
      await succeeds(() => rmdir(dirname(group)))
      return
    }
    const processes = await readFile(join(group, 'cgroup.procs'), 'utf8').catch(() => null)
    if (processes === null) return
    for (const pid of processes.split('\n').filter((line) => line !== '' && line !== '0')) kill(Number(pid))
    await new Promise((resolve) => setTimeout(resolve, REMOVE_INTERVAL_MS))
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It was gone already.
  }
}

async function succeeds(action: () => Promise<unknown>): Promise<boolean> {
  return action().then(
    () => true,
    () => false,
  )
}
