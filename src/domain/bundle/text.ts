/** A text of a bundle's manifest, in the order of its parts: as it is, a place of this machine, a value of the user. */
export type BundleText = readonly BundlePart[]

type BundlePart = string | { readonly place: 'bundle' | 'home' } | { readonly key: string }

/** Where the places are, as the server sees them, absolute. */
export interface BundlePlaces {
  readonly bundle: string
  readonly home: string
}

const VARIABLE = /\$\{([^}]{1,100})\}/g

/** Finds the variables of a text (MCPB, "Variable Substitution"). What is not known stays as it is written. */
export function parseText(text: string): BundleText {
  const parts: BundlePart[] = []
  let at = 0
  for (const match of text.matchAll(VARIABLE)) {
    const part = partOf(match[1] ?? '')
    if (part === null) continue
    if (match.index > at) parts.push(text.slice(at, match.index))
    parts.push(part)
    at = match.index + match[0].length
  }
  if (at < text.length) parts.push(text.slice(at))
  return parts
}

function partOf(name: string): BundlePart | null {
  switch (name) {
    case '__dirname':
      return { place: 'bundle' }
    // A server has no desktop: all that is its user's is in its home.
    case 'HOME':
    case 'DESKTOP':
    case 'DOCUMENTS':
    case 'DOWNLOADS':
      return { place: 'home' }
    case 'pathSeparator':
    case '/':
      return '/'
    default:
      return name.startsWith('user_config.') ? { key: name.slice('user_config.'.length) } : null
  }
}

/** The user's values that a text depends on. */
export function keysOf(text: BundleText): ReadonlySet<string> {
  return new Set(text.flatMap((part) => (typeof part === 'object' && 'key' in part ? [part.key] : [])))
}

/** Whether a text is one value of the user and nothing else. */
export function isWhole(text: BundleText, key: string): boolean {
  const [part] = text
  return text.length === 1 && typeof part === 'object' && 'key' in part && part.key === key
}

/**
 * A text with everything filled in; null when a value is missing.
 * @param values of the user, by key; several are joined by commas
 */
export function fillText(
  text: BundleText,
  values: ReadonlyMap<string, readonly string[]>,
  places: BundlePlaces,
): string | null {
  let filled = ''
  for (const part of text) {
    if (typeof part === 'string') filled += part
    else if ('place' in part) filled += places[part.place]
    else {
      const value = values.get(part.key)
      if (value === undefined) return null
      filled += value.join(',')
    }
  }
  return filled
}
