import { CatwalkError, type GitPackage } from '../../../../domain/index.ts'

/** What a release keeps of a build, so that it is built the same way again: the commit, and lock files that it lacks. */
export interface GitLock {
  readonly commit: string
  /** Lock files that the repository does not have, by their paths in it. */
  readonly files: Readonly<Record<string, string>>
  /** A lock file of Python packages; null for projects of Node. */
  readonly python: string | null
}

export function formatGitLock(lock: GitLock): string {
  return `${JSON.stringify({ kind: 'git', ...lock }, null, 2)}\n`
}

/** @throws CatwalkError `install_failed` for anything that {@link formatGitLock} does not write for this package */
export function parseGitLock(text: string, spec: GitPackage): GitLock {
  let lock: unknown
  try {
    lock = JSON.parse(text)
  } catch {
    lock = null
  }
  if (!isGitLock(lock)) throw new CatwalkError('install_failed', 'The lock file is not one of a repository.')
  if (lock.commit !== spec.commit) {
    throw new CatwalkError('install_failed', 'The lock file is of another commit.')
  }
  return lock
}

function isGitLock(lock: unknown): lock is GitLock {
  if (typeof lock !== 'object' || lock === null) return false
  if (!('kind' in lock && 'commit' in lock && 'files' in lock && 'python' in lock)) return false
  const { kind, commit, files, python } = lock
  return (
    kind === 'git' &&
    typeof commit === 'string' &&
    (python === null || typeof python === 'string') &&
    typeof files === 'object' &&
    files !== null &&
    Object.entries(files).every(([path, content]) => isInside(path) && typeof content === 'string')
  )
}

function isInside(path: string): boolean {
  return /^(?!\/)[\w@./ -]+$/.test(path) && !path.split('/').includes('..')
}
