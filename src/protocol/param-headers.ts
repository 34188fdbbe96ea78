import { decodeHeaderValue, encodeHeaderValue } from './header-value.ts'

/** One argument of a tool that clients repeat in a header (2026-07-28, tools, `x-mcp-header`). */
export interface MirroredParam {
  /** Lower case, as Node names headers: `mcp-param-…`. */
  readonly header: string
  /** The names that lead from the arguments to the value. */
  readonly path: readonly string[]
  readonly numeric: boolean
}

/** A header field's name (RFC 9110, section 5.1). */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const DECIMAL = /^-?\d+(?:\.\d+)?$/
const MAX_DEPTH = 32

/** The annotated arguments of a tool. Annotations in places where the specification has none are not looked for. */
export function mirroredParams(inputSchema: unknown): MirroredParam[] {
  const found: MirroredParam[] = []
  collect(inputSchema, [], found)
  return found
}

function collect(schema: unknown, path: readonly string[], found: MirroredParam[]): void {
  if (!isRecord(schema) || path.length > MAX_DEPTH) return
  const name = schema['x-mcp-header']
  if (typeof name === 'string' && TOKEN.test(name) && path.length > 0) {
    const numeric = schema['type'] === 'integer' || schema['type'] === 'number'
    found.push({ header: `mcp-param-${name.toLowerCase()}`, path, numeric })
  }
  const { properties } = schema
  if (!isRecord(properties)) return
  for (const [property, inner] of Object.entries(properties)) collect(inner, [...path, property], found)
}

/**
 * The first header that does not say what the arguments say, with the reason; null when all do. An argument that is
 * absent, null or no primitive has no header to be compared with.
 */
export function paramHeaderProblem(
  params: readonly MirroredParam[],
  given: unknown,
  headers: Readonly<Record<string, string | string[] | undefined>>,
): string | null {
  for (const param of params) {
    const value = valueAt(given, param.path)
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') continue
    const header = headers[param.header]
    if (typeof header !== 'string') return `The header ${param.header} is missing.`
    const said = decodeHeaderValue(header)
    if (said === undefined) return `The header ${param.header} is not spelt as it should be.`
    const isNumber = param.numeric && typeof value === 'number' && DECIMAL.test(said)
    if (isNumber ? Number(said) !== value : said !== String(value)) {
      return `The header ${param.header} and the argument ${param.path.join('.')} differ.`
    }
  }
  return null
}

/** The headers that repeat the annotated arguments of a call. */
export function mirroredHeaders(params: readonly MirroredParam[], given: unknown): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const { header, path } of params) {
    const value = valueAt(given, path)
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
      headers[header] = encodeHeaderValue(String(value))
    }
  }
  return headers
}

function valueAt(given: unknown, path: readonly string[]): unknown {
  let value = given
  for (const name of path) {
    if (!isRecord(value) || !Object.hasOwn(value, name)) return undefined
    value = value[name]
  }
  return value
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
