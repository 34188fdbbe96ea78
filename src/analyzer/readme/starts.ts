import { parse as parseToml } from 'smol-toml'
import { parse as parseYaml } from 'yaml'
import type { JsonValue } from '../../domain/index.ts'
import type { Fact } from '../facts.ts'
import { parseRelaxed } from '../relaxed-json.ts'
import { parseStart, splitWords } from '../start-line.ts'
import type { Block } from './markdown.ts'

const LONGEST_BLOCK = 64 * 1024

/** How a document says that the server is started: configurations of clients, command lines, install buttons. */
export function readStarts(file: string, blocks: readonly Block[]): readonly Fact[] {
  const facts: Fact[] = []
  for (const block of blocks) {
    if (block.text.length > LONGEST_BLOCK) continue
    if (block.kind === 'code') facts.push(...configurations(file, block), ...commandLines(file, block))
    for (const { value, line } of buttons(block))
      facts.push(...fromValue(value, { file, line, reader: 'install-button' }))
    if (block.kind !== 'code') facts.push(...inlineCommands(file, block))
  }
  return facts
}

function configurations(file: string, block: Block): readonly Fact[] {
  const evidence = { file, line: block.line, reader: 'readme-snippet' }
  if (!/command|"url"|'url'|url:|cmd|inputs/.test(block.text)) return []
  if (block.language === 'toml' || /^\s*\[mcp_servers/m.test(block.text)) {
    const value = attempt(() => parseToml(block.text))
    return value === null ? [] : fromValue(value as JsonValue, evidence)
  }
  if (/^ya?ml$/.test(block.language)) {
    const value = attempt(() => parseYaml(block.text, { maxAliasCount: 20 }) as JsonValue)
    return value === null ? [] : fromValue(value, evidence)
  }
  const from = block.text.search(/[{"']/)
  if (from === -1 || !/[{]/.test(block.text)) return []
  const value = parseRelaxed(block.text.slice(from))
  const facts = value === null ? [] : fromValue(value, evidence)
  // The line of the configuration's command says more than that of the block.
  const at = block.text.split('\n').findIndex((line) => /command|cmd/.test(line))
  return at === -1
    ? facts
    : facts.map((fact) => ({ ...fact, evidence: { ...fact.evidence, line: block.line + at } }))
}

function attempt<T>(read: () => T): T | null {
  try {
    return read()
  } catch {
    return null
  }
}

type Fields = Readonly<Record<string, JsonValue>>

const isFields = (value: JsonValue | undefined): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const textOf = (value: JsonValue | undefined): string | null =>
  typeof value === 'string'
    ? value
    : typeof value === 'number' || typeof value === 'boolean'
      ? String(value)
      : null
const list = (value: JsonValue | undefined): string[] =>
  Array.isArray(value) ? value.flatMap((item: JsonValue) => textOf(item) ?? []) : []

/** Finds every object that starts a server, however deep it lies. */
function fromValue(value: JsonValue, evidence: Fact['evidence'], depth = 0): Fact[] {
  if (depth > 8) return []
  if (Array.isArray(value)) return value.flatMap((item: JsonValue) => fromValue(item, evidence, depth + 1))
  if (!isFields(value)) return []
  const start = startOf(value)
  const facts: Fact[] = []
  if (start !== null) {
    const parsed = parseStart(start.words, start.variables)
    if (parsed !== null) facts.push({ kind: 'start', role: 'snippet', ...parsed, evidence })
  } else if (
    typeof value['url'] === 'string' &&
    /^https?:\/\//.test(value['url']) &&
    (depth > 0 || 'type' in value)
  ) {
    facts.push({
      kind: 'start',
      role: 'snippet',
      registry: 'remote',
      name: value['url'],
      version: null,
      command: null,
      args: [],
      variables: [],
      evidence,
    })
  }
  if (Array.isArray(value['inputs'])) facts.push(...inputFacts(value, evidence))
  if (start === null)
    for (const inner of Object.values(value)) facts.push(...fromValue(inner, evidence, depth + 1))
  return facts
}

function startOf(value: Fields): { words: string[]; variables: [string, string][] } | null {
  const holder = isFields(value['command']) ? value['command'] : value
  const command = holder['command'] ?? holder['path'] ?? holder['cmd']
  const environment = holder['env'] ?? holder['environment'] ?? holder['envs'] ?? value['env']
  const variables = isFields(environment)
    ? Object.entries(environment).map(([name, one]): [string, string] => [name, textOf(one) ?? ''])
    : list(environment).map((one): [string, string] => [
        one.split('=')[0] ?? '',
        one.split('=').slice(1).join('='),
      ])
  if (Array.isArray(command)) return { words: list(command), variables }
  if (typeof command !== 'string' || command === '') return null
  const first = /\s/.test(command) && !('args' in holder) ? splitWords(command) : [command]
  return first === null ? null : { words: [...first, ...list(holder['args'])], variables }
}

/** VS Code asks for values by `inputs`; `${input:id}` in `env` says which variable gets which. */
function inputFacts(value: Fields, evidence: Fact['evidence']): Fact[] {
  const whole = JSON.stringify(value)
  return (Array.isArray(value['inputs']) ? value['inputs'] : []).flatMap((input: JsonValue): Fact[] => {
    if (!isFields(input)) return []
    const id = textOf(input['id'])
    if (id === null || !/^[\w.-]{1,100}$/.test(id)) return []
    const name = new RegExp(`"([A-Za-z_]\\w*)":"\\$\\{input:${id.replaceAll('.', '\\.')}\\}"`).exec(
      whole,
    )?.[1]
    if (name === undefined) return []
    const description = textOf(input['description'])
    return [
      {
        kind: 'variable',
        name,
        role: 'snippet',
        required: null,
        ...(input['password'] === true ? { secret: true } : {}),
        ...(description === null ? {} : { description }),
        evidence,
      },
    ]
  })
}

/** Lines of a terminal, joined where a backslash continues them. */
function commandLines(file: string, block: Block): readonly Fact[] {
  if (
    /^(?:json|jsonc|json5|toml|ya?ml|ts|typescript|js|javascript|python|py|go|xml|diff|mermaid)$/.test(
      block.language,
    )
  )
    return []
  const facts: Fact[] = []
  const lines = block.text.split('\n')
  for (let i = 0; i < lines.length && facts.length < 60; i++) {
    const at = i
    let line = (lines[i] ?? '').replace(/^\s*(?:\$|>|%|PS>)\s+/, '').trim()
    while (/[\\`^]$/.test(line) && i + 1 < lines.length && line.length < 4_000)
      line = `${line.slice(0, -1)} ${(lines[++i] ?? '').trim()}`
    const fact = commandLine(line, { file, line: block.line + at, reader: 'readme-command' })
    if (fact !== null) facts.push(fact)
  }
  return facts
}

function inlineCommands(file: string, block: Block): readonly Fact[] {
  const found = block.kind === 'table' ? block.rows.flat().join('\n') : block.text
  return [
    ...found.matchAll(/`((?:npx|uvx|bunx|docker run|node|claude mcp add|code --add-mcp)\s[^`\n]{3,600})`/g),
  ]
    .slice(0, 20)
    .flatMap((match) => {
      const fact = commandLine(match[1] ?? '', { file, line: block.line, reader: 'readme-command' })
      return fact === null ? [] : [fact]
    })
}

function commandLine(line: string, evidence: Fact['evidence']): Fact | null {
  if (
    !/\b(?:npx|uvx|uv|bunx|pnpm|yarn|docker|podman|node|python3?|pipx|deno|bun|mcp add|add-mcp|add-json)\b/.test(
      line,
    )
  )
    return null
  const words = splitWords(line)
  if (words === null) return null
  const json = words.find((word) => /^\{.*"(?:command|name|url)"/s.test(word))
  if (json !== undefined) {
    const value = parseRelaxed(json)
    return value === null
      ? null
      : (fromValue(value, evidence, 1).find((fact) => fact.kind === 'start') ?? null)
  }
  const add = words.findIndex((word, i) => word === 'add' && words[i - 1] === 'mcp')
  const parsed = add === -1 ? parseStart(words) : clientAdd(words.slice(add + 1))
  if (
    parsed === null ||
    (parsed.registry === null && add === -1 && !/^(?:node|python|uv|bun|deno)/.test(words[0] ?? ''))
  )
    return null
  if (/inspector/.test(parsed.name)) {
    // The inspector starts what follows it.
    const inner = parseStart(parsed.args.filter((word) => word !== '--'))
    return inner === null || inner.registry === null
      ? null
      : { kind: 'start', role: 'shell', ...inner, evidence }
  }
  return { kind: 'start', role: 'shell', ...parsed, evidence }
}

/** `claude mcp add NAME -e K=V -- COMMAND …`, and how others write the same. */
function clientAdd(words: readonly string[]): ReturnType<typeof parseStart> {
  const variables: [string, string][] = []
  const rest: string[] = []
  let own = true
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? ''
    if (own && /^(?:-e|--env)$/.test(word)) {
      while (/^[A-Za-z_]\w*=/.test(words[i + 1] ?? '')) {
        const [name = '', ...value] = (words[++i] ?? '').split('=')
        variables.push([name, value.join('=')])
      }
    } else if (own && word.startsWith('--env=')) {
      const [name = '', ...value] = word.slice(6).split('=')
      variables.push([name, value.join('=')])
    } else if (own && /^(?:-s|--scope|-t|--transport|-H|--header|--client-id)$/.test(word)) i++
    else if (word === '--' && own) {
      own = false
      rest.length = 0
    } else {
      if (/^(?:npx|uvx|uv|docker|node|python3?|bunx)$/.test(word)) {
        if (own) rest.length = 0
        own = false
      }
      if (!own || !word.startsWith('-')) rest.push(word)
    }
  }
  if (own) return null
  return parseStart(rest, variables)
}

/** The configurations inside links that install a server into VS Code or Cursor. */
function buttons(block: Block): readonly { value: JsonValue; line: number }[] {
  const whole = block.kind === 'table' ? block.rows.flat().join('\n') : block.text
  const links =
    whole.match(
      /(?:https?:\/\/(?:insiders\.)?vscode\.dev\/redirect|vscode(?:-insiders)?:mcp\/install|https?:\/\/(?:www\.)?cursor\.com\/[\w/-]*install-mcp|cursor:\/\/[\w./-]*mcp\/install|https?:\/\/[\w.]*lmstudio[\w./-]*install|goose:\/\/)[^\s)"'<>]{3,6000}/g,
    ) ?? []
  return links.slice(0, 20).flatMap((link) => {
    const value = decodeButton(link)
    return value === null ? [] : [{ value, line: block.line }]
  })
}

/** The configuration that an install link carries: URL-encoded JSON, or base64 of it. */
function decodeButton(link: string): JsonValue | null {
  let current = link.replaceAll('&amp;', '&')
  for (let i = 0; i < 4; i++) {
    const encoded =
      /[?&]config=([^&#]+)/.exec(current)?.[1] ?? /mcp\/(?:by-name|install)\?(.+)$/s.exec(current)?.[1]
    if (encoded !== undefined) {
      for (const text of [
        encoded,
        decode(encoded),
        decode(decode(encoded)),
        decode(decode(decode(encoded))),
      ]) {
        const json = text.trim().startsWith('{')
          ? text
          : Buffer.from(text.replaceAll(' ', '+'), 'base64').toString('utf8')
        if (!json.trim().startsWith('{')) continue
        const value = attempt(() => JSON.parse(json) as JsonValue)
        if (value !== null) return value
      }
    }
    current = decode(current)
  }
  return null
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
