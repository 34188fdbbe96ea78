import { CatwalkError, quoted } from '../domain/index.ts'
import type { SourceLimits } from './limits.ts'

/** Says of one entry of an archive after the other whether it may be unpacked; remembers what was there before. */
export interface EntryRules {
  /**
   * The path that a file gets, or null when it is to be left out.
   * @throws CatwalkError `source_malformed`, `source_too_large`
   */
  file(path: string, bytes: number): string | null
  /** Counts a folder. Folders come about with their files. */
  folder(path: string): void
  /**
   * A link: its own path and that of the file it leads to, or null when it is to be left out.
   * @param base where a relative target starts: a symbolic link at its own folder, a hard link at the archive's root
   */
  link(path: string, target: string, base: 'own folder' | 'root'): { path: string; target: string } | null
}

/**
 * @param strip how many folders all paths begin with, which are left out
 */
export function createEntryRules(limits: SourceLimits, strip: number): EntryRules {
  /** By the form in which two names are the same on some file system or to some eye. */
  const seen = new Map<string, { readonly path: string; readonly kind: 'file' | 'folder' }>()
  let entries = 0
  let bytes = 0

  const count = (): void => {
    entries += 1
    if (entries > limits.entries) throw tooLarge(`It has more than ${limits.entries} files.`)
  }

  const enter = (path: string, kind: 'file' | 'folder'): void => {
    const parts = path.split('/')
    parts.forEach((_, index) => {
      const prefix = parts.slice(0, index + 1).join('/')
      const isLast = index === parts.length - 1
      const kindHere = isLast ? kind : 'folder'
      const same = prefix.normalize('NFKC').toLowerCase().normalize('NFKC')
      const before = seen.get(same)
      if (before === undefined) seen.set(same, { path: prefix, kind: kindHere })
      else if (before.path !== prefix) {
        throw malformed(
          `${quoted(before.path)} and ${quoted(prefix)} differ only in case or by look-alike characters.`,
        )
      } else if (before.kind !== kindHere) throw malformed(`${quoted(prefix)} is both a file and a folder.`)
      else if (isLast && kind === 'file') throw malformed(`${quoted(prefix)} is in it twice.`)
    })
  }

  const place = (path: string): string | null => {
    const parts = checkedParts(path, limits).slice(strip)
    // A repository inside would be taken for one by every git that runs there.
    if (parts.length === 0 || parts.some((part) => part.toLowerCase() === '.git')) return null
    return parts.join('/')
  }

  return {
    file: (path, size) => {
      count()
      if (size > limits.fileBytes)
        throw tooLarge(`The file ${quoted(path)} is larger than ${mib(limits.fileBytes)}.`)
      bytes += size
      if (bytes > limits.unpackedBytes)
        throw tooLarge(`Its files are larger than ${mib(limits.unpackedBytes)} together.`)
      const placed = place(path)
      if (placed !== null) enter(placed, 'file')
      return placed
    },
    folder: (path) => {
      count()
      const placed = place(path)
      if (placed !== null) enter(placed, 'folder')
    },
    link: (path, target, base) => {
      count()
      const placed = place(path)
      if (placed === null) return null
      enter(placed, 'file')
      const start = base === 'root' ? [] : checkedParts(path, limits).slice(0, -1)
      const resolved = resolveInside(start, target, strip)
      if (resolved === null)
        throw malformed(`The link ${quoted(path)} leads out of it, to ${quoted(target)}.`)
      return { path: placed, target: resolved }
    },
  }
}

/** The parts of a path in an archive. Throws for all that could lead elsewhere or look like something else. */
function checkedParts(path: string, limits: SourceLimits): readonly string[] {
  if (/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u.test(path))
    throw malformed(`The name ${quoted(path)} has characters that are not shown.`)
  if (path.includes('\\')) throw malformed(`The name ${quoted(path)} has a backslash.`)
  if (path.startsWith('/') || /^[A-Za-z]:/.test(path))
    throw malformed(`The path ${quoted(path)} is absolute.`)
  if (Buffer.byteLength(path) > limits.pathBytes) throw malformed(`The path ${quoted(path)} is too long.`)
  const parts = path.split('/').filter((part) => part !== '' && part !== '.')
  if (parts.includes('..')) throw malformed(`The path ${quoted(path)} leads out of it.`)
  if (parts.some((part) => Buffer.byteLength(part) > 255))
    throw malformed(`The name ${quoted(path)} is too long.`)
  if (parts.length > limits.depth) throw malformed(`The path ${quoted(path)} is too deep.`)
  return parts
}

/** Where a link leads, without the stripped folders; null when that is outside. */
function resolveInside(start: readonly string[], target: string, strip: number): string | null {
  if (target.startsWith('/') || /[\\\0]|^[A-Za-z]:/.test(target)) return null
  const parts = [...start]
  for (const part of target.split('/')) {
    if (part === '..') {
      if (parts.length <= strip) return null
      parts.pop()
    } else if (part !== '' && part !== '.') parts.push(part)
  }
  return parts.length < strip ? null : parts.slice(strip).join('/')
}

export function malformed(message: string, cause?: unknown): CatwalkError {
  return new CatwalkError('source_malformed', message, { cause })
}

export function tooLarge(message: string): CatwalkError {
  return new CatwalkError('source_too_large', message)
}

export function mib(bytes: number): string {
  return `${Math.round(bytes / 1024 / 1024)} MiB`
}
