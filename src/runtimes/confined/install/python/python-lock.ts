import { CatwalkError, type PypiPackage } from '../../../../domain/index.ts'

/** One file that an installation consists of. */
export interface LockedFile {
  /** Normalised name of its project. */
  readonly name: string
  readonly version: string
  /** Hex SHA-256. */
  readonly hash: string
}

const FIRST_LINE = /^# catwalk python (\d+\.\d+)$/
const LINE = /^([a-z0-9-]+)==([A-Za-z0-9.!+_-]+) --hash=sha256:([0-9a-f]{64})$/

/** The name of a project as indexes compare it (PEP 503). */
function normalizeName(name: string): string {
  return name.toLowerCase().replaceAll(/[-_.]+/g, '-')
}

/** A lock file: for which Python, then requirements as pip reads them, each with the hash of its one file. */
export function formatLock(python: string, files: readonly LockedFile[]): string {
  const lines = files
    .toSorted((a, b) => a.name.localeCompare(b.name, 'en'))
    .map(({ name, version, hash }) => `${name}==${version} --hash=sha256:${hash}`)
  return `# catwalk python ${python}\n${lines.join('\n')}\n`
}

/**
 * @returns the Python that it was made for, `3.11`, and its files
 * @throws CatwalkError `install_failed` for anything that {@link formatLock} does not write
 */
export function parseLock(text: string): { readonly python: string; readonly files: readonly LockedFile[] } {
  const [first = '', ...lines] = text.trimEnd().split('\n')
  const python = FIRST_LINE.exec(first)?.[1]
  if (python === undefined) throw refuse('The lock file is not one of Python packages.')
  const files = lines.map((line) => {
    const [, name, version, hash] = LINE.exec(line) ?? []
    if (name === undefined || version === undefined || hash === undefined) {
      throw refuse('The lock file has a line that is not pinned.')
    }
    return { name, version, hash }
  })
  return { python, files }
}

/**
 * Checks that a lock file installs what was looked up.
 * @returns how many packages it names
 * @throws CatwalkError `install_failed`
 */
export function checkPythonLock(text: string, spec: PypiPackage): number {
  const { files } = parseLock(text)
  const own = files.find(({ name }) => name === normalizeName(spec.name))
  const label = `${spec.name}@${spec.version}`
  if (own === undefined) throw refuse(`The lock file does not install ${label}.`)
  if (!spec.hashes.includes(own.hash)) {
    throw refuse(`What the index offers as ${label} is not what was looked up: its hash differs.`)
  }
  return files.length
}

/** Project and version in the name of a wheel or a source archive; null for any other file. */
export function parseFileName(file: string): { readonly name: string; readonly version: string } | null {
  const wheel = /^([A-Za-z0-9._]+)-([A-Za-z0-9.!+_]+)(?:-\d[A-Za-z0-9._]*)?(?:-[A-Za-z0-9._]+){3}\.whl$/.exec(
    file,
  )
  const [, name, version] = wheel ?? /^(.+)-(\d[A-Za-z0-9.!+_]*)\.(?:tar\.gz|zip)$/.exec(file) ?? []
  if (name === undefined || version === undefined) return null
  return { name: normalizeName(name), version }
}

function refuse(message: string): CatwalkError {
  return new CatwalkError('install_failed', message)
}
