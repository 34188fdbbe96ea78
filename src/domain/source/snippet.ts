import { quoted } from '../quoted.ts'
import type { SnippetSource } from '../source.ts'
import { notASource } from './refuse.ts'
import { readLooseJson } from './loose-json.ts'
import { splitWords } from './words.ts'

/** One server of a pasted snippet, as a client would start or reach it. Everything in it is what somebody pasted. */
export type SnippetServer = SnippetProgram | SnippetRemote

export interface SnippetProgram {
  readonly kind: 'program'
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  /** Values may be placeholders or secrets. */
  readonly env: Readonly<Record<string, string>>
}

export interface SnippetRemote {
  readonly kind: 'remote'
  readonly name: string
  readonly url: string
  /** Null where the snippet does not say. */
  readonly transport: 'http' | 'sse' | null
  /** Values may be placeholders or secrets. */
  readonly headers: Readonly<Record<string, string>>
}

const MAX_CHARACTERS = 65_536
const MAX_SERVERS = 50
/** Names under which clients keep their servers. */
const CONTAINERS = ['mcpServers', 'servers', 'mcp', 'context_servers', 'mcp.servers'] as const

/**
 * Reads a snippet as READMEs and clients write it: `mcpServers`, VS Code's and Zed's forms, one server alone, with or
 * without the outer braces, a code fence, comments and trailing commas.
 * @throws CatwalkError `invalid_source`
 */
export function parseSnippet(text: string): SnippetSource {
  if (text.length > MAX_CHARACTERS) throw notASource('The snippet is too long.')
  const value = readLooseJson(text)
  if (!isFields(value))
    throw notASource('The snippet is not valid JSON.', 'Copy the whole block, from brace to brace.')
  const servers = Object.entries(serversIn(value)).flatMap(([name, fields]) => serverOf(name, fields))
  return snippetOf(servers)
}

const STARTERS = new Set([
  'npx',
  'bunx',
  'pnpx',
  'uvx',
  'uv',
  'pipx',
  'docker',
  'podman',
  'npm',
  'node',
  'python',
  'python3',
  'deno',
])

/**
 * Reads a command line that starts a server: `npx -y name`, `uvx name`, `docker run … image`, or `claude mcp add NAME --
 * COMMAND`. Nothing of it ever reaches a shell. Null when it is no such line.
 * @throws CatwalkError `invalid_source` for one with operators of a shell
 */
export function parseCommandLine(text: string): SnippetSource | null {
  const line = text.replace(/^\$\s+/, '')
  const [first = ''] = line.split(/\s/, 1)
  const isClaude = /^claude\s+mcp\s+add\s/.test(line)
  if (!isClaude && (!STARTERS.has(first) || first === line)) return null
  const words = splitWords(line)
  if (words === null) {
    throw notASource('A command line may hold words and quotes only, no other signs of a shell.')
  }
  const dashes = words.indexOf('--')
  if (!isClaude) return snippetOf(program('server', words, {}))
  if (dashes === -1)
    throw notASource(
      'The command to start is missing.',
      'Write it after two hyphens: claude mcp add NAME -- COMMAND',
    )
  return snippetOf(
    program(words[3] ?? 'server', words.slice(dashes + 1), environmentIn(words.slice(0, dashes))),
  )
}

function environmentIn(words: readonly string[]): Record<string, string> {
  const pairs = words.flatMap((word, index) => (/^(?:-e|--env)$/.test(word) ? [words[index + 1] ?? ''] : []))
  return Object.fromEntries(
    pairs.flatMap((pair) => {
      const [, name, value] = /^([A-Za-z_]\w*)=(.*)$/s.exec(pair) ?? []
      return name === undefined || value === undefined ? [] : [[name, value] as const]
    }),
  )
}

function program(
  name: string,
  [command, ...args]: readonly string[],
  env: Record<string, string>,
): SnippetServer[] {
  return command === undefined ? [] : [{ kind: 'program', name, command, args, env }]
}

function snippetOf(servers: readonly SnippetServer[]): SnippetSource {
  const [first, ...rest] = servers
  if (first === undefined)
    throw notASource('There is no server in the snippet.', 'A server has a command or a url.')
  if (rest.length >= MAX_SERVERS)
    throw notASource(`There are more than ${MAX_SERVERS} servers in the snippet.`)
  return { kind: 'snippet', servers: [first, ...rest] }
}

type Fields = Readonly<Record<string, unknown>>

function serversIn(value: Fields): Fields {
  if (isServer(value)) return { [typeof value['name'] === 'string' ? value['name'] : 'server']: value }
  for (const container of CONTAINERS) {
    const inside = value[container]
    if (isFields(inside)) return isServer(inside) ? { [container]: inside } : serversIn(inside)
  }
  return value
}

function isServer(value: Fields): boolean {
  return 'command' in value || typeof value['url'] === 'string' || typeof value['serverUrl'] === 'string'
}

function serverOf(name: string, fields: unknown): SnippetServer[] {
  if (!isFields(fields) || !isServer(fields)) return []
  const url = fields['url'] ?? fields['serverUrl'] ?? fields['httpUrl']
  if (typeof url === 'string') {
    const type = fields['type'] ?? fields['transport']
    const transport =
      type === 'sse' ? 'sse' : typeof type === 'string' && type.includes('http') ? 'http' : null
    return [{ kind: 'remote', name, url, transport, headers: texts(fields['headers']) }]
  }
  // Zed nests the command; some write the whole line in one text or one list.
  const inner = isFields(fields['command']) ? fields['command'] : fields
  const written = inner['command'] ?? inner['path']
  const words = Array.isArray(written) ? written.map(String) : typeof written === 'string' ? [written] : []
  const args = Array.isArray(inner['args']) ? inner['args'].map(String) : []
  const env = texts(inner['env'] ?? inner['environment'])
  const [command, ...more] =
    words.length === 1 && args.length === 0 ? (splitWords(words[0] ?? '') ?? words) : words
  if (command === undefined || command === '') throw notASource(`The server ${quoted(name)} has no command.`)
  return program(name, [command, ...more, ...args], env)
}

function texts(value: unknown): Record<string, string> {
  if (!isFields(value)) return {}
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, text]) => ['string', 'number', 'boolean'].includes(typeof text))
      .map(([name, text]) => [name, String(text)]),
  )
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
