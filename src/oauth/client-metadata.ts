const MAX_NAME_LETTERS = 80

/** A client's name of itself, on one line and without what would disturb the page; null when it says none. */
export function clientName(value: unknown): string | null {
  if (typeof value !== 'string') return null
  const clean = value
    // Control, format, private and unassigned characters: also those that turn the direction of writing.
    .replace(/\p{C}/gu, '')
    .replace(/\s+/gu, ' ')
    .trim()
    .slice(0, MAX_NAME_LETTERS)
    .toWellFormed()
  return clean === '' ? null : clean
}

/** A client's page about itself; null for what is not on the web. */
export function webUri(value: unknown): string | null {
  if (typeof value !== 'string' || value.length > 500) return null
  const url = URL.parse(value)
  return url?.protocol === 'https:' && url.username === '' && url.password === '' ? url.href : null
}
