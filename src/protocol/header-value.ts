const PREFIX = '=?base64?'
const SUFFIX = '?='
/** RFC 4648, section 4, with its padding. */
const CANONICAL = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
/** Visible ASCII, with blanks and tabs only inside (RFC 9110, section 5.5). */
const PLAIN = /^[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?$/
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** A text as the value of `Mcp-Name` or `Mcp-Param-*` (2026-07-28, Streamable HTTP, value encoding). */
export function encodeHeaderValue(text: string): string {
  const ambiguous = text.startsWith(PREFIX) && text.endsWith(SUFFIX)
  return PLAIN.test(text) && !ambiguous ? text : `${PREFIX}${Buffer.from(text).toString('base64')}${SUFFIX}`
}

/** The text that a header's value stands for, or undefined when it is not spelt as the specification wants. */
export function decodeHeaderValue(value: string): string | undefined {
  if (!value.startsWith(PREFIX) || !value.endsWith(SUFFIX)) {
    return value === '' || PLAIN.test(value) ? value : undefined
  }
  const encoded = value.slice(PREFIX.length, -SUFFIX.length)
  if (value.length < PREFIX.length + SUFFIX.length || !CANONICAL.test(encoded)) return undefined
  try {
    return decoder.decode(Buffer.from(encoded, 'base64'))
  } catch {
    return undefined
  }
}
