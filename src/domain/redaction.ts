/** Replaces every secret value in a text by the name of its variable. */
export type Redactor = (text: string) => string

// Shorter values ("1", "true", a port) occur everywhere; replacing them would hide the log, not the secret.
const SHORTEST = 6

/**
 * Makes a redactor for the values of one release. Covers the value as it is, URL-encoded and in base64, which is how
 * programs print what they send.
 */
export function createRedactor(values: ReadonlyMap<string, string>): Redactor {
  const names = new Map<string, string>()
  for (const [name, value] of values) {
    if (value.length < SHORTEST) continue
    for (const form of [
      value,
      encodeURIComponent(value),
      base64(value, 'base64'),
      base64(value, 'base64url'),
    ]) {
      if (!names.has(form)) names.set(form, name)
    }
  }
  if (names.size === 0) return (text) => text
  // Longest first, so that a value which contains another is replaced whole.
  const forms = [...names.keys()].toSorted((a, b) => b.length - a.length).map((form) => RegExp.escape(form))
  const pattern = new RegExp(forms.join('|'), 'g')
  return (text) => text.replaceAll(pattern, (form) => `[redacted ${names.get(form) ?? ''}]`)
}

function base64(value: string, encoding: 'base64' | 'base64url'): string {
  // Without the last group, which depends on what follows the value in the encoded text.
  const encoded = Buffer.from(value).toString(encoding).replaceAll('=', '')
  return encoded.slice(0, encoded.length - (encoded.length % 4))
}
