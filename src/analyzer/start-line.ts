import type { StartFact } from './facts.ts'

export type ParsedStart = Pick<StartFact, 'registry' | 'name' | 'version' | 'command' | 'args' | 'variables'>

type Pairs = readonly (readonly [string, string])[]

const NPM_SPEC = /^((?:@[\w.~-]+\/)?[\w.~-]+)(?:@([\w.^~*+-]+))?$/
const PYPI_SPEC = /^([A-Za-z0-9][\w.-]*)(?:\[[\w,. -]*\])?(?:(?:==|@|~=|>=)([\w.*+-]+))?$/
const IMAGE = /^(?:[\w.-]+(?::\d+)?\/)?[\w.-]+(?:\/[\w.-]+)*(?::[\w.-]+)?(?:@sha256:[0-9a-f]{64})?$/
/** Options of npx, uvx and docker that are followed by a value of their own. */
const NPX_VALUES = new Set([
  '--registry',
  '--cache',
  '--prefix',
  '--userconfig',
  '--node-options',
  '-w',
  '--workspace',
])
const UV_VALUES = new Set([
  '--python',
  '-p',
  '--with',
  '--index-url',
  '--extra-index-url',
  '--index',
  '--default-index',
  '--with-editable',
  '--with-requirements',
  '--env-file',
  '--project',
  '--directory',
  '--extra',
  '--group',
  '--prerelease',
])
const DOCKER_FLAGS = new Set([
  '-i',
  '-t',
  '-it',
  '-ti',
  '-d',
  '-a',
  '--rm',
  '--init',
  '--interactive',
  '--tty',
  '--detach',
  '--privileged',
  '--read-only',
  '--no-healthcheck',
  '--pull',
])

/** Splits a line as a shell would, without expanding anything. Null for one with pipes, redirections or sub-shells. */
export function splitWords(line: string): string[] | null {
  const words: string[] = []
  let word = ''
  let open = false
  let quote: string | null = null
  for (let i = 0; i < line.length; i++) {
    const char = line[i] ?? ''
    if (quote !== null) {
      if (char === quote) quote = null
      else if (char === '\\' && quote === '"') word += line[++i] ?? ''
      else word += char
    } else if (char === '"' || char === "'") {
      quote = char
      open = true
    } else if (char === '\\') word += line[++i] ?? ''
    else if (/\s/.test(char)) {
      if (word !== '' || open) words.push(word)
      word = ''
      open = false
    } else if (char === '#' && word === '' && !open) break
    else if (
      (char === '|' || char === ';' || char === '`' || (char === '&' && line[i + 1] === '&')) &&
      word !== '<'
    ) {
      if (char === '|' && /^<[^>]*$/.test(word)) word += char
      else break
    } else word += char
  }
  if (word !== '' || open) words.push(word)
  return words.length > 0 && words.length < 200 ? words : null
}

/** Reads a command with its arguments, as a configuration or a terminal has it. Null when it starts nothing known. */
export function parseStart(words: readonly string[], variables: Pairs = [], depth = 0): ParsedStart | null {
  const [first, ...rest] = words
  if (first === undefined || depth > 4) return null
  const assignment = /^([A-Za-z_]\w*)=(.*)$/s.exec(first)
  if (assignment?.[1] !== undefined) {
    return parseStart(rest, [...variables, [assignment[1], assignment[2] ?? '']], depth + 1)
  }
  const program = (first.split(/[\\/]/).at(-1) ?? first).replace(/\.(?:exe|cmd|bat)$/i, '')
  switch (program) {
    case 'cmd':
      return parseStart(
        rest.filter((word) => !/^\/[ck]$/i.test(word)),
        variables,
        depth + 1,
      )
    case 'env':
    case 'sudo':
    case 'wsl':
    case 'exec':
    case 'command':
      return parseStart(rest[0]?.startsWith('-') === true ? rest.slice(1) : rest, variables, depth + 1)
    case 'bash':
    case 'sh':
    case 'zsh': {
      const flag = rest.findIndex((word) => /^-l?i?c$/.test(word))
      const inner = flag === -1 ? null : splitWords((rest[flag + 1] ?? '').split('&&').at(-1) ?? '')
      return inner === null ? null : parseStart(inner, variables, depth + 1)
    }
    case 'npx':
    case 'bunx':
      return npx(rest, variables)
    case 'pnpm':
    case 'yarn':
    case 'npm':
    case 'bun':
      if (rest[0] === 'dlx' || rest[0] === 'exec' || rest[0] === 'x') return npx(rest.slice(1), variables)
      return program === 'bun' ? script(rest, variables) : null
    case 'uvx':
    case 'pipx':
      return uvx(program === 'pipx' ? rest.slice(1) : rest, variables)
    case 'uv': {
      if (rest[0] === 'tool' && rest[1] === 'run') return uvx(rest.slice(2), variables)
      const run = rest.indexOf('run')
      return run === -1 ? null : uvRun(rest.slice(run + 1), variables, rest.slice(0, run))
    }
    case 'docker':
    case 'podman':
      return rest[0] === 'run' || rest[1] === 'run'
        ? docker(rest.slice(rest.indexOf('run') + 1), variables)
        : null
    case 'node':
    case 'tsx':
    case 'ts-node':
    case 'deno':
      return script(program === 'deno' ? rest.slice(rest[0] === 'run' ? 1 : 0) : rest, variables)
    case 'python':
    case 'python3':
    case 'py':
      return python(rest, variables)
    default:
      if (!/^[\w@][\w@./~-]*$/.test(first) || first.length > 200) return null
      return { registry: null, name: first, version: null, command: null, args: rest, variables }
  }
}

function npx(words: readonly string[], variables: Pairs): ParsedStart | null {
  let spec: string | null = null
  let i = 0
  for (; i < words.length; i++) {
    const word = words[i] ?? ''
    if (word === '-p' || word === '--package') spec = words[++i] ?? null
    else if (word.startsWith('--package=')) spec = word.slice(10)
    else if (NPX_VALUES.has(word)) i++
    else if (word === '-c' || word === '--call') {
      const inner = splitWords(words[i + 1] ?? '')
      return inner === null || spec === null ? null : npx(['-p', spec, ...inner], variables)
    } else if (!word.startsWith('-')) break
  }
  const named = words[i]
  if (named === undefined) return null
  const rest = words.slice(i + 1)
  const match = NPM_SPEC.exec(spec ?? named)
  // A name that is no npm name is kept as it stands, so that the merge can refuse it by name.
  const name = match?.[1] ?? spec ?? named
  if (/^(?:mcp-remote|mcp-remote-client|@geelen\/mcp-remote)$/.test(name)) {
    const url = rest.find((word) => /^https?:\/\//.test(word))
    return url === undefined
      ? null
      : { registry: 'remote', name: url, version: null, command: null, args: [], variables }
  }
  if (/^(?:github:|git\+|https?:)|^\.{1,2}\//.test(named)) return null
  return {
    registry: 'npm',
    name,
    version: match?.[2] ?? null,
    command: spec === null ? null : named,
    args: rest,
    variables,
  }
}

function uvx(words: readonly string[], variables: Pairs): ParsedStart | null {
  let spec: string | null = null
  let i = 0
  for (; i < words.length; i++) {
    const word = words[i] ?? ''
    if (word === '--from' || word === '--spec') spec = words[++i] ?? null
    else if (word.startsWith('--from=')) spec = word.slice(7)
    else if (UV_VALUES.has(word)) i++
    else if (!word.startsWith('-')) break
  }
  const named = words[i]
  if (named === undefined) return null
  const source = spec ?? named
  if (/^(?:git\+|https?:|\.|\/)/.test(source)) {
    return { registry: null, name: named, version: null, command: named, args: words.slice(i + 1), variables }
  }
  const match = PYPI_SPEC.exec(source)
  return {
    registry: 'pypi',
    name: match?.[1] ?? source,
    version: match?.[2] ?? null,
    command: spec === null ? null : (PYPI_SPEC.exec(named)?.[1] ?? named),
    args: words.slice(i + 1),
    variables,
  }
}

function uvRun(words: readonly string[], variables: Pairs, before: readonly string[]): ParsedStart | null {
  let i = 0
  while (words[i]?.startsWith('-') === true && words[i] !== '-m' && words[i] !== '--module')
    i += UV_VALUES.has(words[i] ?? '') ? 2 : 1
  const named = words[i]
  void before
  if (named === undefined) return null
  if (/^python3?$/.test(named)) return python(words.slice(i + 1), variables)
  if (named === '-m' || named === '--module') return python(words.slice(i), variables)
  return { registry: null, name: named, version: null, command: named, args: words.slice(i + 1), variables }
}

function docker(words: readonly string[], variables: Pairs): ParsedStart | null {
  const found = [...variables]
  let entry: string | null = null
  let i = 0
  for (; i < words.length; i++) {
    const word = words[i] ?? ''
    if (!word.startsWith('-')) break
    const [option, inline] = /^(--[\w-]+)=(.*)$/s.exec(word)?.slice(1) ?? [word]
    if (DOCKER_FLAGS.has(option ?? '') || inline !== undefined || /^-[itd]{1,3}$/.test(word)) {
      if (option === '--env' && inline !== undefined) found.push(pair(inline, found))
      continue
    }
    const value = /^-e./.test(word) ? word.slice(2) : (words[++i] ?? '')
    if (option === '-e' || option === '--env' || /^-e./.test(word)) found.push(pair(value, found))
    if (option === '--entrypoint') entry = value
  }
  const image = words[i]
  if (image === undefined || !IMAGE.test(image)) return null
  const tag = /:([\w.-]+)(?:@.*)?$/.exec(image)
  return {
    registry: 'oci',
    name: image.replace(/(?::[\w.-]+)?(?:@sha256:.*)?$/, ''),
    version: tag?.[1] ?? null,
    command: entry,
    args: words.slice(i + 1),
    variables: found,
  }
}

/** `NAME` or `NAME=value`; the value may already stand in the configuration's own `env`. */
function pair(text: string, known: Pairs): readonly [string, string] {
  const [name = '', ...value] = text.split('=')
  return [name, value.length > 0 ? value.join('=') : (known.find(([one]) => one === name)?.[1] ?? '')]
}

function script(words: readonly string[], variables: Pairs): ParsedStart | null {
  const at = words.findIndex((word) => !word.startsWith('-') && word !== 'run')
  const path = words[at]
  if (path === undefined) return null
  const npm = /^npm:((?:@[\w.-]+\/)?[\w.-]+)(?:@([\w.-]+))?/.exec(path)
  if (npm?.[1] !== undefined)
    return {
      registry: 'npm',
      name: npm[1],
      version: npm[2] ?? null,
      command: null,
      args: words.slice(at + 1),
      variables,
    }
  return { registry: null, name: path, version: null, command: null, args: words.slice(at + 1), variables }
}

function python(words: readonly string[], variables: Pairs): ParsedStart | null {
  const at = words.findIndex((word) => !word.startsWith('-') || word === '-m' || word === '--module')
  const word = words[at]
  if (word === undefined) return null
  if (word === '-m' || word === '--module') {
    const module = words[at + 1]
    return module === undefined
      ? null
      : { registry: null, name: module, version: null, command: null, args: words.slice(at + 2), variables }
  }
  return { registry: null, name: word, version: null, command: null, args: words.slice(at + 1), variables }
}
