/** A header that a remote server is sent: `Bearer {TOKEN}` with the values of variables in the place of their names. */
export interface HeaderTemplate {
  readonly name: string
  readonly value: string
}

/** A header as somebody wrote it, taken apart: what may be shown, and the values that were in it. */
export interface WrittenHeader {
  readonly header: HeaderTemplate
  /** By variable. */
  readonly values: Readonly<Record<string, string>>
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const PLACE = /\{([A-Za-z_][A-Za-z0-9_]*)\}/g
/** For one connection only: RFC 9110, section 7.6.1, and what clients send to proxies by custom. */
export const HOP_BY_HOP_HEADERS = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]
/** What HTTP, the connection itself and the transports of MCP say. */
const RESERVED = new Set([
  ...HOP_BY_HOP_HEADERS,
  'accept',
  'accept-encoding',
  'content-encoding',
  'content-length',
  'content-type',
  'expect',
  'host',
  'last-event-id',
  'origin',
])
const MAX_VALUE = 8192

/** Why a header cannot be sent to a remote server, to follow its name; null when it can. Never shows the value. */
export function headerProblem({ name, value }: HeaderTemplate): string | null {
  if (!TOKEN.test(name) || name.length > 100) return 'is not a valid name of a header'
  const lower = name.toLowerCase()
  if (RESERVED.has(lower) || lower.startsWith('mcp-')) return 'is set by Catwalk and cannot be changed'
  return headerValueProblem(value)
}

/** Why a text cannot be the value of a header, or null. */
function headerValueProblem(value: string): string | null {
  if (value.trim() === '') return 'has no value'
  if (value.length > MAX_VALUE) return 'is longer than 8 KiB'
  // RFC 9110, section 5.5: no control characters, and what is not ASCII is read differently everywhere.
  return /^[\t\x20-\x7e]*$/.test(value) ? null : 'has a line break or a character outside of ASCII'
}

/** Names of the variables in a template, each once. */
export function variablesIn({ value }: HeaderTemplate): readonly string[] {
  return [...new Set([...value.matchAll(PLACE)].map(([, name = '']) => name))]
}

/** The header's value; null when a variable has none, or one that no header may hold. */
export function fillHeader(
  { value }: HeaderTemplate,
  valueOf: (variable: string) => string | undefined,
): string | null {
  let complete = true
  const filled = value.replace(PLACE, (_place, name: string) => {
    const given = valueOf(name)?.trim()
    complete &&= given !== undefined && given !== ''
    return given ?? ''
  })
  return complete && headerValueProblem(filled) === null ? filled : null
}

const STAND_IN =
  /\$\{(?:input:|env:)?([\w-]+)\}|\{\{?\s*([A-Za-z_][\w-]*)\s*\}?\}|\$([A-Z_][A-Z0-9_]*)|<([^<>]{1,60})>|\b([Yy][Oo][Uu][Rr][_-][A-Za-z0-9_-]+)\b/g
/** What may stand beside them: the scheme of `Authorization`, at most. Anything else may be a piece of a secret. */
const BESIDE = /^(?:[A-Za-z][\w-]{0,15}\s*[ =:]\s*)?$/

/**
 * A header out of a snippet or from a command line. What stands for a value there (`{TOKEN}`, `${TOKEN}`,
 * `${input:token}`, `<your token>`, `YOUR_API_KEY`) becomes a variable; where nothing does, the value itself is taken for
 * a secret and kept apart from the template: all of it, but for the scheme of `Authorization`.
 */
export function readHeader(name: string, written: string): WrittenHeader {
  const text = written.trim()
  const own = variableName(name).toUpperCase()
  if (text === '') return { header: { name, value: `{${own}}` }, values: {} }
  const rest = text.replace(STAND_IN, '')
  if (rest !== text && BESIDE.test(rest)) {
    const value = text.replace(STAND_IN, (_all, ...names: (string | undefined)[]) => {
      const found = names.slice(0, 5).find((one) => one !== undefined)
      return `{${variableName(found ?? name)}}`
    })
    return { header: { name, value }, values: {} }
  }
  const [, scheme = '', secret = text] =
    /^((?:Bearer|Basic|Token|ApiKey|Api-Key)\s+)(\S.*)$/i.exec(text) ?? []
  return { header: { name, value: `${scheme}{${own}}` }, values: { [own]: secret } }
}

/** A header as an owner gives it: a template where it names variables, otherwise read like one of a snippet. */
export function givenHeader(name: string, written: string): WrittenHeader {
  const header = { name, value: written.trim() }
  return variablesIn(header).length > 0 ? { header, values: {} } : readHeader(name, written)
}

/** `X-API-Key` is `X_API_KEY`, `your token` is `YOUR_TOKEN`. */
function variableName(text: string): string {
  const name = text
    .trim()
    .replace(/[^A-Za-z0-9_]+/g, '_')
    .replace(/^_+|_+$/g, '')
  const plain = name === '' ? 'VALUE' : /^\d/.test(name) ? `V_${name}` : name
  return /[-\s]/.test(text) ? plain.toUpperCase() : plain
}
