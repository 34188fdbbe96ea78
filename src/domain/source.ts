import { CatwalkError } from './errors.ts'
import { parsePackageName } from './package-name.ts'
import { quoted } from './quoted.ts'

/** Where a server comes from. More kinds join this union; switches over `kind` are exhaustive. */
export type Source = { readonly kind: 'npm'; readonly name: string; readonly version: string | null }

/**
 * Reads what a person typed or pasted.
 * @throws CatwalkError `invalid_source` for an unknown form, `invalid_package` for a bad name or version
 */
export function parseSource(text: string): Source {
  const trimmed = text.trim()
  const npm = /^npm:(.*)$/s.exec(trimmed)
  if (npm?.[1] === undefined) {
    throw new CatwalkError('invalid_source', `${quoted(trimmed)} is not a source that Catwalk knows.`, {
      details: { field: 'source' },
    })
  }
  return { kind: 'npm', ...parsePackageName(npm[1]) }
}

/** The canonical text of a source, e.g. `npm:@scope/name@1.2.3`. */
export function formatSource(source: Source): string {
  return `npm:${source.name}${source.version === null ? '' : `@${source.version}`}`
}
