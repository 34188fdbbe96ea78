/** In words, which tools are missing and which are too many; null when none is. */
export function differenceOf(expected: readonly string[], listed: readonly string[]): string | null {
  const missing = expected.filter((name) => !listed.includes(name))
  const more = listed.filter((name) => !expected.includes(name))
  if (missing.length === 0 && more.length === 0) return null
  return `missing: ${missing.join(', ') || '-'}; more: ${more.join(', ') || '-'}`
}

/** Whether a server names its tools anew at each start, so that it can only be held to their number. */
export function isNamedAnew(
  expected: readonly string[],
  first: readonly string[],
  again: readonly string[],
): boolean {
  return (
    first.some((name) => !again.includes(name)) &&
    first.length === expected.length &&
    again.length === expected.length
  )
}
