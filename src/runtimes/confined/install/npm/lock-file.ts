import { CatwalkError, type NpmPackage } from '../../../../domain/index.ts'

/** Where the package is in an installation. */
export function packagePath(spec: Pick<NpmPackage, 'name'>): string {
  return `node_modules/${spec.name}`
}

/** The package.json of an installation: exactly this package at exactly this version. */
export function rootManifest(spec: Pick<NpmPackage, 'name' | 'version'>): string {
  const manifest = { name: 'installation', private: true, dependencies: { [spec.name]: spec.version } }
  return `${JSON.stringify(manifest, null, 2)}\n`
}

/**
 * Checks that a lock file installs what was asked for and that everything in it is pinned by a hash.
 * @returns how many packages it names
 * @throws CatwalkError `install_failed`
 */
export function checkLockFile(text: string, spec: NpmPackage): number {
  const packages = readPackages(text)
  const own = packages[packagePath(spec)]
  const label = `${spec.name}@${spec.version}`
  if (own?.version !== spec.version) throw refuse(`The lock file does not install ${label}.`)
  if (own.integrity !== spec.integrity) {
    throw refuse(`What the registry offers as ${label} is not what was looked up: its hash differs.`)
  }
  const names = Object.keys(packages).filter((path) => path !== '')
  for (const path of names) {
    const entry = packages[path]
    // Bundled packages come inside their parent's archive and are covered by its hash.
    if (typeof entry?.integrity !== 'string' && entry?.inBundle !== true) {
      throw refuse(`Dependency ${path} does not come from a package registry.`)
    }
  }
  return names.length
}

/**
 * Checks that nothing was installed but what the lock file names.
 * @param installed npm's record of an installation, in a lock file's form
 * @throws CatwalkError `install_failed`
 */
export function checkInstalled(installed: string, lockFile: string): void {
  const locked = readPackages(lockFile)
  for (const [path, { integrity }] of Object.entries(readPackages(installed))) {
    if (path in locked && locked[path]?.integrity === integrity) continue
    throw refuse(`${path} was installed, but is not in the lock file.`)
  }
}

interface LockedPackage {
  readonly version?: unknown
  readonly integrity?: unknown
  readonly inBundle?: unknown
}

function readPackages(text: string): Readonly<Record<string, LockedPackage>> {
  let lock: unknown
  try {
    lock = JSON.parse(text)
  } catch {
    throw refuse('The lock file is not JSON.')
  }
  if (!isObject(lock) || !isObject(lock['packages']) || !Object.values(lock['packages']).every(isObject)) {
    throw refuse('The lock file has no list of packages.')
  }
  // Every member was just seen to be an object; what is in them is checked where it is read.
  return lock['packages'] as Readonly<Record<string, LockedPackage>>
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function refuse(message: string): CatwalkError {
  return new CatwalkError('install_failed', message)
}
