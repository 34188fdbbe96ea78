export interface EnvFile {
  /** In the order of the text; a name that comes twice has its last value. */
  readonly variables: readonly { readonly name: string; readonly value: string }[]
  /** Numbers of the lines that could not be read, counted from 1. */
  readonly unread: readonly number[]
}

const ASSIGNMENT = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)$/

/**
 * Reads the text of a .env file: `NAME=value`, `export NAME=value`, comments, single quotes (verbatim), double quotes
 * (with \n, \t, \" and \\, over several lines). Nothing is expanded: `$OTHER` stays as it is written.
 */
export function parseEnvFile(text: string): EnvFile {
  const found = new Map<string, string>()
  const unread: number[] = []
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/)
  for (let index = 0; index < lines.length; index += 1) {
    const line = lines[index] ?? ''
    if (/^\s*(?:#|$)/.test(line)) continue
    const [, name, rest] = ASSIGNMENT.exec(line) ?? []
    if (name === undefined || rest === undefined) {
      unread.push(index + 1)
      continue
    }
    const quote = rest[0]
    if (quote !== '"' && quote !== "'") {
      found.set(name, rest.replace(/\s+#.*$/, '').trim())
      continue
    }
    const quoted = readQuoted(lines, index, rest, quote)
    if (quoted === null) {
      unread.push(index + 1)
      continue
    }
    found.set(name, quote === '"' ? unescape(quoted.value) : quoted.value)
    index = quoted.lastIndex
  }
  return { variables: [...found].map(([name, value]) => ({ name, value })), unread }
}

/** The text between quotes, which may go on for several lines. null when it never ends. */
function readQuoted(
  lines: readonly string[],
  first: number,
  rest: string,
  quote: string,
): { value: string; lastIndex: number } | null {
  const isEnd = quote === '"' ? /^((?:[^"\\]|\\[^])*)"\s*(?:#.*)?$/ : /^([^']*)'\s*(?:#.*)?$/
  let text = rest.slice(1)
  for (let index = first; ;) {
    const value = isEnd.exec(text)?.[1]
    if (value !== undefined) return { value, lastIndex: index }
    index += 1
    const next = lines[index]
    if (next === undefined) return null
    text += `\n${next}`
  }
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '"': '"', '\\': '\\', $: '$' }

function unescape(value: string): string {
  return value.replace(/\\([nrt"\\$])/g, (_, char: string) => ESCAPES[char] ?? char)
}
