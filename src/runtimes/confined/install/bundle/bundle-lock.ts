import { CatwalkError, type BundlePackage } from '../../../../domain/index.ts'

/** What a release keeps of a bundle: which one, and what runs it. */
export interface BundleLock {
  readonly sha256: string
  /** Such as `python-3.11`; `none` for a program of its own, null for the Node of every server. */
  readonly interpreter: string | null
}

export function formatBundleLock({ sha256, interpreter }: BundleLock): string {
  return `${JSON.stringify({ kind: 'mcpb', sha256, interpreter })}\n`
}

/** @throws CatwalkError `install_failed` for anything that {@link formatBundleLock} does not write for this bundle */
export function parseBundleLock(text: string, spec: BundlePackage): BundleLock {
  let lock: unknown
  try {
    lock = JSON.parse(text)
  } catch {
    lock = null
  }
  if (!isBundleLock(lock)) throw new CatwalkError('install_failed', 'The lock file is not one of a bundle.')
  if (lock.sha256 !== spec.sha256)
    throw new CatwalkError('install_failed', 'The lock file is of another bundle.')
  return lock
}

function isBundleLock(lock: unknown): lock is BundleLock {
  if (typeof lock !== 'object' || lock === null) return false
  if (!('kind' in lock && 'sha256' in lock && 'interpreter' in lock)) return false
  const { kind, sha256, interpreter } = lock
  return (
    kind === 'mcpb' && typeof sha256 === 'string' && (interpreter === null || typeof interpreter === 'string')
  )
}
