import { posix } from 'node:path'
import type { Snapshot } from '../../../../domain/index.ts'

/** Which package manager installs a project, and from where. */
export interface NodeProject {
  readonly manager: 'npm' | 'pnpm' | 'yarn'
  /** Exact, of the manager; null for the npm that Catwalk brings along. */
  readonly managerPackage: string | null
  /** Folder that holds the lock file, or the package itself when there is none. */
  readonly root: string
  /** Folder of the package that runs. */
  readonly folder: string
  readonly hasLock: boolean
  /** The script that builds it: where it stands, and its name. Null when nothing has to be built. */
  readonly build: { readonly folder: string; readonly script: string } | null
}

const LOCKS: readonly (readonly [string, NodeProject['manager']])[] = [
  ['package-lock.json', 'npm'],
  ['npm-shrinkwrap.json', 'npm'],
  ['pnpm-lock.yaml', 'pnpm'],
  ['yarn.lock', 'yarn'],
]

// What reads each version of a lock file, where the repository does not say which it wants.
const PNPM = { '5': 'pnpm@7.33.7', '6': 'pnpm@8.15.9' } as const
const PNPM_NEWEST = 'pnpm@9.15.9'
const YARN_CLASSIC = 'yarn@1.22.22'
const YARN_BERRY = '@yarnpkg/cli-dist@4.9.2'

type Files = Pick<Snapshot, 'files' | 'text'>

/** Decides from a repository's files; the nearest lock file above the package counts, and without one it is npm. */
export function planNodeProject(files: Files, folder: string): NodeProject {
  const { root, lock, manager } = nearestLock(files, folder)
  const own = readManifest(files, folder)
  const top = readManifest(files, root)
  const build = buildScript(own, folder) ?? (root === folder ? null : buildScript(top, root))
  return {
    manager,
    managerPackage:
      manager === 'npm' ? null : managerPackage(files, manager, top, posix.join(root, lock ?? '')),
    root,
    folder,
    hasLock: lock !== null,
    build,
  }
}

function nearestLock(
  { files }: Files,
  folder: string,
): Pick<NodeProject, 'root' | 'manager'> & { readonly lock: string | null } {
  for (let root = folder; ; root = parentOf(root)) {
    const found = LOCKS.find(([name]) => files.has(posix.join(root, name)))
    if (found !== undefined) return { root, lock: found[0], manager: found[1] }
    if (root === '') return { root: folder, lock: null, manager: 'npm' }
  }
}

function parentOf(folder: string): string {
  const parent = posix.dirname(folder)
  return parent === '.' ? '' : parent
}

interface Manifest {
  readonly scripts: ReadonlySet<string>
  readonly packageManager: string | null
}

function readManifest(files: Files, folder: string): Manifest {
  let manifest: unknown = null
  try {
    manifest = JSON.parse(files.text(posix.join(folder, 'package.json')) ?? 'null')
  } catch {
    // Its installer will say what is wrong with it.
  }
  if (typeof manifest !== 'object' || manifest === null) return { scripts: new Set(), packageManager: null }
  const scripts = 'scripts' in manifest ? manifest.scripts : null
  const manager = 'packageManager' in manifest ? manifest.packageManager : null
  return {
    scripts: new Set(typeof scripts === 'object' && scripts !== null ? Object.keys(scripts) : []),
    packageManager: typeof manager === 'string' ? manager : null,
  }
}

/** `prepare` is what npm itself runs for a package that is installed from its repository. */
function buildScript({ scripts }: Manifest, folder: string): NodeProject['build'] {
  const script = ['build', 'prepare', 'prepack'].find((name) => scripts.has(name))
  return script === undefined ? null : { folder, script }
}

function managerPackage(
  files: Files,
  manager: 'pnpm' | 'yarn',
  { packageManager }: Manifest,
  lockPath: string,
): string {
  const lock = files.text(lockPath, MAX_LOCK_BYTES) ?? ''
  const wanted = new RegExp(`^${manager}@(\\d+\\.\\d+\\.\\d+)(?:\\+.*)?$`).exec(packageManager ?? '')?.[1]
  if (manager === 'pnpm') {
    if (wanted !== undefined) return `pnpm@${wanted}`
    const version = /^lockfileVersion: ['"]?(\d)/m.exec(lock)?.[1]
    return version === '5' || version === '6' ? PNPM[version] : PNPM_NEWEST
  }
  const berry = lock.includes('__metadata:')
  if (wanted !== undefined && wanted.startsWith('1.') !== berry) {
    return berry ? `@yarnpkg/cli-dist@${wanted}` : `yarn@${wanted}`
  }
  return berry ? YARN_BERRY : YARN_CLASSIC
}

const MAX_LOCK_BYTES = 16 * 1024 * 1024
