import { INSIDE, type Mount } from '../../command.ts'

/** What an installation needs to know of the Python index. */
export interface PythonIndex {
  /** Address of the simple index (PEP 503); may hold credentials. */
  readonly url: string
  /** `host:port` of the index and of the files that its pages lead to. */
  readonly origins: readonly string[]
  /** Certificates (PEM) that pip trusts instead of its own; null for its own. */
  readonly certificates: string | null
}

/** Where a step of pip finds things. */
export const PIP_INSIDE = {
  cache: '/opt/catwalk/cache',
  configuration: '/opt/catwalk/configuration',
  /** An environment of the same interpreter that has pip. */
  pip: '/opt/catwalk/pip',
  python: `${INSIDE.package}/bin/python`,
  requirements: '/opt/catwalk/configuration/requirements.txt',
  downloads: `${INSIDE.package}/downloads`,
} as const

const CERTIFICATES = 'certificates.pem'
const QUIET = ['--no-input', '--no-color', '--progress-bar=off', '--disable-pip-version-check', '--retries=2']
// Source archives run code of their own when they are unpacked and built.
const wheelsOnly = (allowScripts: boolean): string[] => (allowScripts ? [] : ['--only-binary=:all:'])

/** Downloads what is asked for with all that it needs. */
export function downloadArguments(targets: readonly string[], allowScripts: boolean): string[] {
  return [
    '-m',
    'pip',
    'download',
    ...QUIET,
    ...wheelsOnly(allowScripts),
    `--dest=${PIP_INSIDE.downloads}`,
    ...targets,
  ]
}

/** Builds a project's own wheel, without what it needs. `folder` and `into` are below the tree. */
export function wheelArguments(folder: string, into: string): string[] {
  const wheels = `--wheel-dir=${INSIDE.package}/${into}`
  return ['-m', 'pip', 'wheel', ...QUIET, '--no-deps', wheels, `${INSIDE.package}/${folder}`]
}

/** Installs one file of the tree, and nothing else. */
export function installFileArguments(path: string): string[] {
  return ['-m', 'pip', 'install', ...QUIET, '--no-deps', '--no-index', `${INSIDE.package}/${path}`]
}

/** Installs just the files of a lock file. */
export function installArguments(allowScripts: boolean): string[] {
  const pinned = ['--require-hashes', '--no-deps', '--ignore-installed', '--no-warn-script-location']
  return [
    '-m',
    'pip',
    'install',
    ...QUIET,
    ...wheelsOnly(allowScripts),
    ...pinned,
    '-r',
    PIP_INSIDE.requirements,
  ]
}

/** The environment of pip. `pythonMinor`, such as `3.11`, says where pip itself is. */
export function pipEnvironment(index: PythonIndex, pythonMinor: string): Map<string, string> {
  const environment = new Map([
    // Nothing of the host's or of an image's own configuration.
    ['PIP_CONFIG_FILE', '/dev/null'],
    ['PIP_INDEX_URL', index.url],
    ['PIP_CACHE_DIR', PIP_INSIDE.cache],
    ['PYTHONPATH', `${PIP_INSIDE.pip}/lib/python${pythonMinor}/site-packages`],
  ])
  if (index.certificates !== null) {
    environment.set('PIP_CERT', `${PIP_INSIDE.configuration}/${CERTIFICATES}`)
  }
  return environment
}

/** The files of the configuration directory. */
export function pipFiles(index: PythonIndex, requirements: string): Readonly<Record<string, string>> {
  return {
    'requirements.txt': requirements,
    ...(index.certificates === null ? {} : { [CERTIFICATES]: index.certificates }),
  }
}

/** What a step of pip sees of the host besides the tree. */
export function pipMounts(directories: {
  readonly pip: string
  readonly cache: string
  readonly configuration: string
}): Mount[] {
  return [
    { source: directories.pip, target: PIP_INSIDE.pip, writable: false },
    { source: directories.cache, target: PIP_INSIDE.cache, writable: true },
    { source: directories.configuration, target: PIP_INSIDE.configuration, writable: false },
  ]
}
