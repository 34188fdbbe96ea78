import { CatwalkError } from './errors.ts'
import { headerProblem, readHeader } from './header-template.ts'
import { quoted } from './quoted.ts'
import type { Source, SnippetSource } from './source.ts'
import type { AnalysableSource } from './source-analyzer.ts'
import { parseSource } from './source/parse.ts'

type Program = Extract<SnippetSource['servers'][number], { readonly kind: 'program' }>

/** What one server of a snippet stands for. `env` and `args` may hold secrets. */
export interface SnippetTarget {
  readonly name: string
  /** Names of all servers of the snippet. */
  readonly servers: readonly string[]
  readonly source: AnalysableSource
  /** Which executable of the package it starts; null for the one of the package's name. */
  readonly executable: string | null
  /** What it passes to the server. */
  readonly args: readonly string[]
  /** Values for variables, those of headers among them; what only stands for a value is left out. */
  readonly env: Readonly<Record<string, string>>
}

interface Started {
  readonly source: AnalysableSource
  readonly executable?: string | null
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/**
 * Takes a snippet apart: what the chosen server is started from, and with what.
 * @param chosen name of a server in it; null when there is one only
 * @throws CatwalkError `server_not_found`, `source_not_deployable` for a command that starts what only the author's
 *   machine has, `invalid_package`
 */
export function snippetTarget(snippet: SnippetSource, chosen: string | null): SnippetTarget {
  const servers = snippet.servers.map(({ name }) => name)
  const server = chosen === null ? snippet.servers[0] : snippet.servers.find(({ name }) => name === chosen)
  if (server === undefined) {
    throw new CatwalkError('server_not_found', `The snippet has no server ${quoted(chosen ?? '')}.`, {
      help: `Choose one of: ${servers.map((name) => quoted(name)).join(', ')}`,
      details: { field: 'server', servers },
    })
  }
  const started: Started =
    server.kind === 'remote' ? remote(server.url, server.headers) : startedBy(withoutShell(server))
  return {
    name: server.name,
    servers,
    source: started.source,
    executable: started.executable ?? null,
    args: started.args,
    env: valuesOf({ ...started.env, ...(server.kind === 'program' ? server.env : {}) }),
  }
}

/** Windows needs `cmd /c` in front; some write `env A=B` there. */
function withoutShell(server: Program): Program {
  const [first = '', second, ...rest] = server.args
  if (/^cmd(?:\.exe)?$/i.test(server.command) && /^\/c$/i.test(first) && second !== undefined) {
    return { ...server, command: second, args: rest }
  }
  if (server.command !== 'env') return server
  const pairs = server.args.findIndex((word) => !/^[A-Za-z_]\w*=/.test(word))
  const command = server.args[pairs]
  if (command === undefined) return server
  const env = Object.fromEntries(
    server.args.slice(0, pairs).map((word): [string, string] => {
      const equals = word.indexOf('=')
      return [word.slice(0, equals), word.slice(equals + 1)]
    }),
  )
  return { ...server, command, args: server.args.slice(pairs + 1), env: { ...env, ...server.env } }
}

function startedBy({ command, args }: Program): Started {
  const program = command.replace(/^.*[/\\]/, '').replace(/\.(?:exe|cmd)$/i, '')
  const [sub, ...rest] = args
  switch (program) {
    case 'npx':
    case 'bunx':
    case 'pnpx':
      return fromNode(args)
    case 'npm':
    case 'pnpm':
    case 'yarn':
    case 'bun':
      if (sub === 'exec' || sub === 'x' || sub === 'dlx') return fromNode(rest)
      break
    case 'uvx':
      return fromPython(args)
    case 'uv':
      if (sub === 'tool' && rest[0] === 'run') return fromPython(rest.slice(1))
      break
    case 'pipx':
      if (sub === 'run') return fromPython(rest)
      break
    case 'docker':
    case 'podman':
      if (sub === 'run') return fromImage(rest)
      break
    default:
  }
  throw new CatwalkError(
    'source_not_deployable',
    `The snippet starts ${quoted(program)}, which is on the author's machine only.`,
    {
      help: 'Paste the link of the repository instead: then the server is built from it.',
      details: { field: 'source' },
    },
  )
}

/** `npx -y name@1 args`, `npx -p name command args`. */
function fromNode(words: readonly string[]): Started {
  const { options, rest } = splitOptions(words, ['-p', '--package', '-c', '--call', '--registry'])
  const named = options.get('-p') ?? options.get('--package')
  const [first, ...others] = rest
  const spec = named ?? first
  if (spec === undefined) throw nothingStarted()
  const args = named === undefined ? others : rest.slice(1)
  if (/^mcp-remote(?:@|$)/.test(spec)) return throughMcpRemote(args)
  return { source: nodeSource(spec), executable: named === undefined ? null : (first ?? null), args }
}

function nodeSource(spec: string): AnalysableSource {
  const isLink = /^(?:github:|git\+|https?:\/\/)/.test(spec) || /^[\w.-]+\/[\w.-]+$/.test(spec)
  return notNested(parseSource(isLink ? spec : `npm:${spec}`))
}

/** `mcp-remote URL --header "Name: value"` is how clients without remote servers reach one. */
function throughMcpRemote(args: readonly string[]): Started {
  const url = args.find((word) => /^https?:\/\//.test(word))
  if (url === undefined) throw nothingStarted()
  const headers = args.flatMap((word, index) => {
    const [, name, value] = /^([\w-]+):\s*(.*)$/s.exec(args[index - 1] === '--header' ? word : '') ?? []
    return name === undefined || value === undefined ? [] : [[name, value] as const]
  })
  return remote(url, Object.fromEntries(headers))
}

/** `uvx name args`, `uvx --from spec command args`, `pipx run --spec spec command args`. */
function fromPython(words: readonly string[]): Started {
  const { options, rest } = splitOptions(words, [
    '--from',
    '--spec',
    '--with',
    '--python',
    '-p',
    '--index-url',
    '-i',
    '--index',
    '--default-index',
    '--extra-index-url',
    '--refresh-package',
    '--env-file',
    '--directory',
  ])
  const named = options.get('--from') ?? options.get('--spec')
  const [command, ...args] = rest
  const spec = named ?? command
  if (spec === undefined) throw nothingStarted()
  const isLink = /^(?:git\+|https?:\/\/)/.test(spec)
  // Extras change what is installed beside it, not what it is; `latest` is the default.
  const plain = spec.replace(/\[[^\]]*\]/, '').replace(/@latest$/, '')
  return {
    source: notNested(parseSource(isLink ? spec : `pypi:${plain}`)),
    executable: named === undefined ? null : (command ?? null),
    args,
  }
}

/** `docker run -i --rm -e NAME -e NAME=value image args`. */
function fromImage(words: readonly string[]): Started {
  const { options, all, rest } = splitOptions(words, [
    '-e',
    '--env',
    '-v',
    '--volume',
    '--mount',
    '-p',
    '--publish',
    '--name',
    '--network',
    '--net',
    '--env-file',
    '-w',
    '--workdir',
    '--entrypoint',
    '-u',
    '--user',
    '--platform',
    '--pull',
    '-l',
    '--label',
    '--add-host',
    '-m',
    '--memory',
    '--cpus',
    '--gpus',
    '-h',
    '--hostname',
    '--restart',
    '--tmpfs',
    '--dns',
    '--cap-add',
    '--cap-drop',
    '--security-opt',
    '--shm-size',
    '--ulimit',
  ])
  const [image, ...args] = rest
  if (image === undefined || options.has('--entrypoint')) throw nothingStarted()
  const env = all.flatMap(([option, value]) => {
    const [, name, given] = /^([A-Za-z_]\w*)=(.*)$/s.exec(/^(?:-e|--env)$/.test(option) ? value : '') ?? []
    return name === undefined || given === undefined ? [] : [[name, given] as const]
  })
  return { source: notNested(parseSource(`oci:${image}`)), args, env: Object.fromEntries(env) }
}

/** Takes options off the front of a command line, up to the first word that is none. */
function splitOptions(
  words: readonly string[],
  withValue: readonly string[],
): {
  options: ReadonlyMap<string, string>
  all: readonly (readonly [string, string])[]
  rest: readonly string[]
} {
  const all: (readonly [string, string])[] = []
  let at = 0
  for (; at < words.length; at += 1) {
    const word = words[at] ?? ''
    if (word === '--') {
      at += 1
      break
    }
    if (!word.startsWith('-')) break
    const equals = word.indexOf('=')
    if (equals > 0) all.push([word.slice(0, equals), word.slice(equals + 1)])
    else if (withValue.includes(word)) all.push([word, words[(at += 1)] ?? ''])
    else all.push([word, ''])
  }
  return { options: new Map(all), all, rest: words.slice(at) }
}

/** The values in headers are kept apart from what may be shown of them. */
function remote(url: string, written: Readonly<Record<string, string>>): Started {
  const source = notNested(parseSource(`remote:${url}`))
  // Clients set these themselves; that a snippet names them says nothing.
  const given = Object.entries(written).filter(([name]) => !/^(?:accept|content-type)$/i.test(name))
  const read = given.map(([name, value]) =>
    readHeader(name, isPlaceholder(value) && !/[{<$]/.test(value) ? '' : value),
  )
  for (const { header } of read) {
    const problem = headerProblem(header)
    if (problem === null) continue
    throw new CatwalkError('invalid_source', `The header ${quoted(header.name)} ${problem}.`, {
      details: { field: 'source' },
    })
  }
  const headers = read.map(({ header }) => header)
  return {
    source: source.kind === 'remote' && headers.length > 0 ? { ...source, headers } : source,
    args: [],
    env: Object.assign({}, ...read.map(({ values }) => values)) as Record<string, string>,
  }
}

function notNested(source: Source): AnalysableSource {
  if (source.kind === 'snippet') throw nothingStarted()
  return source
}

function nothingStarted(): CatwalkError {
  return new CatwalkError('source_not_deployable', 'The snippet does not say which package it starts.', {
    details: { field: 'source' },
  })
}

/** Without values that only stand for one: `<your token>`, `YOUR_API_KEY`, `${input:token}`, `xxx`, `...`. */
function valuesOf(given: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => !isPlaceholder(value)))
}

function isPlaceholder(value: string): boolean {
  const text = value.trim()
  return (
    text === '' ||
    /^(?:<.*>|\[.*\]|\{\{.*\}\}|\$\{.*\}|\$[A-Z_]+|%\w+%)$/s.test(text) ||
    /^(?:x{3,}|\.{3,}|…|\*{3,}|-{3,}|todo|changeme|change[-_]me)$/i.test(text) ||
    /\b(?:your|my|insert|enter|replace|paste)[-_ ].*(?:here|key|token|secret|password|id|name|url|value|path)\b/i.test(
      text,
    ) ||
    /^your[-_ ]/i.test(text) ||
    /[-_]here$/i.test(text)
  )
}
