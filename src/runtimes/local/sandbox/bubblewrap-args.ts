import { INSIDE, type Mount } from '../../confined/index.ts'
import type { BubblewrapFeatures, SystemFiles } from './system-files.ts'

const MIB = 1024 * 1024
const TEMPORARY_BYTES = 256 * MIB
const SHARED_MEMORY_BYTES = 64 * MIB
const CREDENTIALS_BYTES = 16 * MIB

/**
 * Numbers under which bubblewrap finds its descriptors; 0 to 2 are the program's. 3 is the init's channel, or says without
 * an init what the environment is.
 */
export const DESCRIPTOR = { channel: 3, environment: 3, seccomp: 4, info: 5, block: 6 } as const

export interface Sandbox {
  readonly features: BubblewrapFeatures
  readonly system: SystemFiles
  readonly mounts: readonly Mount[]
  readonly workingDirectory: string
  /** The program and its arguments, as seen inside. */
  readonly command: readonly string[]
  /** Whether the environment comes through a descriptor, as {@link environmentWords}, instead of being left empty. */
  readonly readsEnvironment: boolean
}

/** A program's environment in the form in which bubblewrap reads arguments: on a descriptor, each ended by a zero byte. */
export function environmentWords(environment: ReadonlyMap<string, string>): string {
  return [...environment].map(([name, value]) => `--setenv\0${name}\0${value}\0`).join('')
}

/**
 * bubblewrap's arguments for one sandbox: every namespace of its own, nothing of the host but the listed files, no
 * capability. The environment is not in them, because arguments show in process lists.
 */
export function bubblewrapArgs(sandbox: Sandbox): string[] {
  const { features, system } = sandbox
  // Options that say how the next one is made come in any order before it.
  const temporaryFileSystem = (bytes: number, path: string): string[] =>
    features.size ? ['--size', String(bytes), '--tmpfs', path] : ['--tmpfs', path]
  const options: readonly (readonly string[])[] = [
    sandbox.readsEnvironment ? ['--args', String(DESCRIPTOR.environment)] : [],
    ['--unshare-user'],
    ['--unshare-pid'],
    ['--unshare-ipc'],
    ['--unshare-uts'],
    ['--unshare-net'],
    ['--unshare-cgroup-try'],
    features.disableUserns ? ['--disable-userns'] : [],
    ['--uid', '1000'],
    ['--gid', '1000'],
    ['--hostname', 'server'],
    ['--die-with-parent'],
    ['--new-session'],
    ['--cap-drop', 'ALL'],
    ...system.directories.map((path) => ['--ro-bind', path, path]),
    ...system.links.map(({ path, target }) => ['--symlink', target, path]),
    ...system.files.map(({ source, target }) => ['--ro-bind', source, target]),
    ['--proc', '/proc'],
    ['--dev', '/dev'],
    temporaryFileSystem(SHARED_MEMORY_BYTES, '/dev/shm'),
    temporaryFileSystem(TEMPORARY_BYTES, INSIDE.temporary),
    ['--symlink', INSIDE.temporary, '/var/tmp'],
    ['--dir', '/run'],
    features.perms ? ['--perms', '0700'] : [],
    temporaryFileSystem(CREDENTIALS_BYTES, INSIDE.credentials),
    ...sandbox.mounts.map(({ source, target, writable }) => [
      writable ? '--bind' : '--ro-bind',
      source,
      target,
    ]),
    // What bubblewrap makes up is a file system in memory of no limited size: nothing may be written there.
    ['--remount-ro', '/dev'],
    ['--remount-ro', '/'],
    ['--chdir', sandbox.workingDirectory],
    ['--seccomp', String(DESCRIPTOR.seccomp)],
    ['--info-fd', String(DESCRIPTOR.info)],
    ['--block-fd', String(DESCRIPTOR.block)],
    ['--'],
    sandbox.command,
  ]
  return options.flat()
}
