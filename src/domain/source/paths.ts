import { quoted } from '../quoted.ts'
import { notASource } from './refuse.ts'

// Git's own rules (git-check-ref-format), without what a shell, a URL or a revision expression would read.
const REF = /^(?![-/.])(?!.*(?:\.\.|\/\/|@\{|\.lock(?:\/|$)|\/\.))[A-Za-z0-9._/+@#=%!,-]{1,255}(?<![/.])$/

/**
 * A checked branch, tag or commit.
 * @throws CatwalkError `invalid_source`
 */
export function checkRef(ref: string): string {
  if (!REF.test(ref)) throw notASource(`${quoted(ref)} cannot be a branch, tag or commit.`)
  return ref
}

/**
 * A folder's path in normal form: no empty parts, no slash at either end.
 * @throws CatwalkError `invalid_source` when it leads out of the repository or holds control characters or backslashes
 */
export function checkPath(segments: readonly string[]): string {
  const parts = segments.filter((part) => part !== '' && part !== '.')
  for (const part of parts) {
    if (part === '..' || part.length > 255 || /[\p{Cc}\p{Cf}\\/]/u.test(part)) {
      throw notASource(`${quoted(parts.join('/'))} is not a path inside a repository.`)
    }
  }
  if (parts.length > 32) throw notASource('The path inside the repository is too deep.')
  return parts.join('/')
}

/** The parts of a URL's path, decoded one by one. Null when one is not valid. */
export function pathSegments(url: URL): readonly string[] | null {
  try {
    return url.pathname
      .split('/')
      .filter((part) => part !== '')
      .map((part) => decodeURIComponent(part))
  } catch {
    return null
  }
}
