import type { JsonObject, JsonValue } from '../manifest.ts'
import { CatwalkError } from '../errors.ts'
import { quoted } from '../quoted.ts'
import { variableProblem } from '../launch-spec.ts'
import { isWhole, keysOf, parseText, type BundleText } from './text.ts'

/** What the manifest of an MCP bundle says (MCPB `manifest.json`, versions 0.1 to 0.4), for Linux. */
export interface Bundle {
  readonly name: string
  readonly version: string
  readonly description: string | null
  readonly license: string | null
  /** Address of the code. */
  readonly repository: string | null
  readonly type: 'node' | 'python' | 'binary' | 'uv'
  /** As Node names them; null when it does not say. */
  readonly platforms: readonly string[] | null
  readonly command: string
  readonly args: readonly BundleText[]
  readonly environment: ReadonlyMap<string, BundleText>
  /** Those that the start depends on. */
  readonly fields: readonly BundleField[]
  readonly tools: readonly { readonly name: string; readonly description: string | null }[]
}

/** A value that the user is asked for (`user_config`). */
export interface BundleField {
  readonly key: string
  /** The variable that holds it: the one that the server gets it in, or one named by its key. */
  readonly variable: string
  /** Whether the server gets the variable itself, and not only texts that it stands in. */
  readonly isOwn: boolean
  readonly type: 'string' | 'number' | 'boolean' | 'directory' | 'file'
  readonly title: string | null
  readonly description: string | null
  readonly required: boolean
  readonly sensitive: boolean
  readonly multiple: boolean
  /** In the manifest's own words; null for none. */
  readonly default: readonly string[] | null
}

const MAX_WORDS = 200
const TYPES = ['node', 'python', 'binary', 'uv'] as const
const FIELD_TYPES = ['string', 'number', 'boolean', 'directory', 'file'] as const

/** Whether a document is the manifest of a bundle, and not one of the many other files of that name. */
function isBundleManifest(document: unknown): document is JsonObject {
  const fields = record(document)
  if (fields === null) return false
  const isVersioned = 'manifest_version' in fields || 'dxt_version' in fields || 'mcpb_version' in fields
  return isVersioned && typeof record(fields['server'])?.['type'] === 'string'
}

/**
 * Reads a manifest. Everything in it is a stranger's.
 * @throws CatwalkError `source_malformed`
 */
export function parseBundle(text: string): Bundle {
  const document = parse(text)
  if (!isBundleManifest(document)) throw malformed('Its manifest.json is not that of an MCP bundle.')
  const server = record(document['server']) ?? {}
  const type = TYPES.find((known) => known === server['type'])
  if (type === undefined)
    throw malformed(`It is of a kind that is not known, ${quoted(string(server['type']) ?? '')}.`)
  const config = { ...record(server['mcp_config']) }
  const here = record(record(config['platform_overrides'])?.['linux']) ?? {}
  const command = string(here['command']) ?? string(config['command']) ?? ''
  const args = strings(here['args'] ?? config['args']).map(parseText)
  const environment = environmentOf(record(here['env']) ?? record(config['env']) ?? {})
  if (args.length > MAX_WORDS || environment.size > MAX_WORDS)
    throw malformed('It starts with too many words.')
  if (command === '' && type !== 'uv') throw malformed('It does not say how it is started.')
  return {
    name: nameOf(string(document['name'])) ?? 'bundle',
    version: nameOf(string(document['version'])) ?? '0',
    description: string(document['description'])?.slice(0, 1_000) ?? null,
    license: string(document['license'])?.slice(0, 100) ?? null,
    repository: string(record(document['repository'])?.['url']) ?? string(document['repository']),
    type,
    platforms: listOrNull(record(document['compatibility'])?.['platforms']),
    command,
    args,
    environment,
    fields: fieldsOf(record(document['user_config']) ?? {}, args, environment),
    tools: toolsOf(document['tools']),
  }
}

function environmentOf(declared: JsonObject): ReadonlyMap<string, BundleText> {
  const entries = Object.entries(declared).flatMap(([name, value]) => {
    const text = string(value)
    // Where Python finds what the bundle brings along. Other variables of the platform stay as they are.
    const isUsable = text !== null && (name === 'PYTHONPATH' || variableProblem(name, text) === null)
    return isUsable ? [[name, parseText(text)] as const] : []
  })
  return new Map(entries)
}

function fieldsOf(
  declared: JsonObject,
  args: readonly BundleText[],
  environment: ReadonlyMap<string, BundleText>,
): readonly BundleField[] {
  const used = new Set([...args, ...environment.values()].flatMap((text) => [...keysOf(text)]))
  const names = new Set(environment.keys())
  return [...used].map((key): BundleField => {
    const field = record(declared[key]) ?? {}
    const [own] = [...environment].find(([name, text]) => isWhole(text, key) && name !== 'PYTHONPATH') ?? []
    const variable = own ?? freeName(key, names)
    names.add(variable)
    const type = FIELD_TYPES.find((known) => known === field['type']) ?? 'string'
    const standard = field['default']
    const isGiven = standard !== undefined && standard !== null && standard !== ''
    const values = isGiven ? (Array.isArray(standard) ? strings(standard) : strings([standard])) : []
    return {
      key,
      variable,
      isOwn: own !== undefined,
      type,
      title: string(field['title'])?.slice(0, 200) ?? null,
      description: string(field['description'])?.slice(0, 1_000) ?? null,
      // What nobody declares can be given by nobody else.
      required: declared[key] === undefined || field['required'] === true,
      sensitive: field['sensitive'] === true,
      multiple: field['multiple'] === true,
      default: values.length > 0 ? values : null,
    }
  })
}

/** A name for a variable that the server does not read. */
function freeName(key: string, taken: ReadonlySet<string>): string {
  const plain = key.replaceAll(/\W/g, '_').slice(0, 100)
  const names = [
    plain,
    `CONFIG_${plain}`,
    ...Array.from({ length: MAX_WORDS }, (_, i) => `CONFIG_${plain}_${i}`),
  ]
  return (
    names.find((name) => !taken.has(name) && variableProblem(name, 'value') === null) ??
    `CONFIG_${taken.size}`
  )
}

function toolsOf(declared: JsonValue | undefined): Bundle['tools'] {
  if (!Array.isArray(declared)) return []
  return declared.slice(0, 1_000).flatMap((tool: JsonValue) => {
    const fields = record(tool)
    const name = string(fields?.['name'])
    return name === null ? [] : [{ name, description: string(fields?.['description']) }]
  })
}

/** For people and for names of things: without what only looks like something else. */
function nameOf(text: string | null): string | null {
  const plain = (text ?? '')
    .replaceAll(/[^\w.@+/ -]+/g, '-')
    .trim()
    .slice(0, 80)
  return plain === '' ? null : plain
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch (error) {
    throw malformed('Its manifest.json is no JSON.', error)
  }
}

function record(value: unknown): JsonObject | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : null
}

/** A text that is not empty; numbers and booleans as text. */
function string(value: JsonValue | undefined): string | null {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  return typeof value === 'string' && value !== '' && !value.includes('\0') ? value : null
}

function strings(value: JsonValue | undefined): readonly string[] {
  return Array.isArray(value) ? value.flatMap((item: JsonValue) => string(item) ?? []) : []
}

function listOrNull(value: JsonValue | undefined): readonly string[] | null {
  return Array.isArray(value) ? strings(value) : null
}

function malformed(message: string, cause?: unknown): CatwalkError {
  return new CatwalkError('source_malformed', message, { cause })
}
