const VARIABLE = /\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b/g
const DEMAND =
  /\b(?:required|requires?|missing|must (?:be )?(?:set|provide|specif)|not (?:set|defined|found|provided|configured)|is unset|undefined|provide|please set|no value|needed|expected)\b|environment variable/i

/**
 * Names of the variables that a server which ended at once asked for in its last output. A line must both name a
 * variable (two words in capitals, with an underscore) and demand something.
 */
export function missingVariables(lines: readonly string[], given: ReadonlySet<string>): readonly string[] {
  const found = new Set<string>()
  for (const [index, line] of lines.entries()) {
    const names = line.match(VARIABLE)
    // "Missing environment variables:" is often followed by one name a line.
    const demanded = DEMAND.test(line) || (index > 0 && /variables?\W*$/i.test(lines[index - 1] ?? ''))
    if (names === null || !demanded) continue
    for (const name of names) {
      if (!given.has(name) && !/^(?:ERR|MODULE|NODE|UNHANDLED)_/.test(name)) found.add(name)
    }
  }
  return [...found]
}
