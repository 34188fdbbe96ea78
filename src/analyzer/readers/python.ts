import type { ArgumentFact, Fact } from '../facts.ts'
import { formatOf, looksSecret } from '../names.ts'
import { pythonDemands } from './python-demands.ts'

const NAME = `["']([A-Za-z_][A-Za-z0-9_]{1,100})["']`
/** `os.environ["A"]`, `os.environ.get("A", "b")`, `os.getenv("A")`, `env("A")`, `config("A", default="b")`. */
const READ = new RegExp(
  `(\\bos\\.environ\\[|\\benviron\\[|\\b(?:os\\.)?environ\\.get\\(|\\b(?:os\\.)?getenv\\(|\\benv(?:\\.(?:str|int|bool|list|url|path))?\\(|\\bconfig\\(|\\b_?(?:get|require|required|load)_?(?:required_|optional_)?env(?:_var|_or_default|ironment_variable)?\\()\\s*${NAME}\\s*(?:,\\s*(?:default\\s*=\\s*)?(?:["']([^"'\\n]{0,200})["']|(\\d+(?:\\.\\d+)?|True|False|None)))?`,
  'g',
)
const SERVER =
  /\bfrom\s+(?:mcp(?:\.server)?|fastmcp)\b|\bimport\s+(?:mcp|fastmcp)\b|\bFastMCP\s*\(|\bstdio_server\s*\(/
const CLIENT = /\bfrom\s+mcp\s+import\s+[^\n]{0,200}ClientSession|\bmcp\.client\b/

/** One file of Python. Its patterns look at a bounded stretch each, so that the time is linear in the file's length. */
export function readPython(file: string, text: string): readonly Fact[] {
  const lines = lineCounter(text)
  const at = (offset: number, reader = 'python') => ({ file, line: lines(offset), reader })
  return [
    ...reads(text, at),
    ...pythonDemands(text, at),
    ...settings(text, at),
    ...commandLine(text, at),
    ...tools(text, at),
    ...signals(text, at),
  ]
}

type At = (offset: number, reader?: string) => Fact['evidence']

function reads(text: string, at: At): Fact[] {
  return [...text.matchAll(READ)].map((match): Fact => {
    const [whole, call = '', name = '', quoted, plain] = match
    const fallback = quoted ?? (plain === undefined || plain === 'None' ? undefined : plain)
    const after = text.slice(match.index + whole.length, match.index + whole.length + 300)
    const before = text.slice(Math.max(0, text.lastIndexOf('\n', match.index)), match.index)
    return {
      kind: 'variable',
      name,
      role: 'read',
      required: requiredHere(call, before, after, fallback ?? plain),
      format: formatOf(name),
      ...(fallback === undefined || fallback === '' ? {} : { default: fallback }),
      evidence: at(match.index),
    }
  })
}

/** Subscripts fail without a value, and so does what is named after it. */
function requiredHere(
  call: string,
  before: string,
  after: string,
  fallback: string | undefined,
): boolean | null {
  if (fallback !== undefined && fallback !== 'None') return false
  if (call.endsWith('[') || /requ/.test(call))
    return /\bin\s*$/.test(before) ? null : !/^\s*\]\s*=[^=]/.test(after)
  return /^\s*\)\s*or\s+["'\w]/.test(after) ? false : null
}

/** Fields of a pydantic `BaseSettings`: a prefix and the field's name in capitals, or its alias. */
function settings(text: string, at: At): Fact[] {
  const facts: Fact[] = []
  for (const match of text.matchAll(/^class\s+\w+\([^)\n]*BaseSettings[^)\n]*\):/gm)) {
    const from = match.index + match[0].length
    const next = text.slice(from).search(/\n[^\s#]/)
    const whole = text.slice(from, next === -1 ? from + 20_000 : from + Math.min(next, 20_000))
    // Fields come before methods; documentation looks like fields.
    const [fields = ''] = whole.split(/\n[ \t]+(?:@\w|(?:async )?def )/, 1)
    const body = fields.replaceAll(/("""|''')[^]*?\1/g, (words) => words.replaceAll(/[^\n]/g, ' '))
    const prefix = /env_prefix\s*=\s*["']([^"'\n]{0,60})["']/.exec(body)?.[1] ?? ''
    for (const field of body.matchAll(
      /^[ \t]{1,8}([a-z]\w*)[ \t]*:[ \t]*([^=\n#]{1,160})(?:=[ \t]*([^\n]{1,400}))?/gim,
    )) {
      const [, name = '', type = '', written] = field
      const call = written === undefined ? -1 : written.search(/\bField\(/)
      const value =
        written === undefined || call === -1
          ? written
          : `Field(${callText(body, field.index + field[0].length - written.length + call + 'Field('.length)})`
      if (/^(?:model_config|class|def|return)$/.test(name) || /ClassVar/.test(type)) continue
      const alias = /(?:validation_alias|alias|env)\s*=\s*(?:AliasChoices\(\s*)?["']([A-Za-z_]\w*)["']/.exec(
        value ?? '',
      )?.[1]
      const isRequired =
        value === undefined ||
        /Field\(\s*\.\.\./.test(value) ||
        (/Field\(/.test(value) && !/default|Field\(\s*["'\dNTF]/.test(value))
      const fallback =
        /^["']([^"'\n]{1,200})["']|^(\d+|True|False)\b|default\s*=\s*["']([^"'\n]{1,200})["']/.exec(
          value ?? '',
        )
      const words = /description\s*=\s*["']([^"'\n]{1,300})["']/.exec(value ?? '')?.[1]
      const said = fallback?.[1] ?? fallback?.[2] ?? fallback?.[3]
      facts.push({
        kind: 'variable',
        name: alias ?? `${prefix}${name}`.toUpperCase(),
        role: 'read',
        required: isRequired && !/Optional|None/.test(type),
        ...(/SecretStr/.test(type) ? { secret: true } : {}),
        ...(said === undefined ? {} : { default: said }),
        ...(words === undefined ? {} : { description: words }),
        evidence: at(from + field.index + 1, 'python-settings'),
      })
    }
  }
  return facts
}

/** argparse, click and typer. */
function commandLine(text: string, at: At): Fact[] {
  const facts: Fact[] = []
  let position = 0
  for (const match of text.matchAll(
    /(\badd_argument\(|@(?:click|\w+)\.option\(|@click\.argument\(|typer\.(?:Option|Argument)\()/g,
  )) {
    const call = callText(text, match.index + match[0].length)
    const names = [...call.matchAll(/["'](-{1,2}[A-Za-z][\w-]*|[a-z][\w-]*)["']/g)].map((one) => one[1] ?? '')
    const first = match[0].includes('Option')
      ? names.find((name) => name.startsWith('--'))
      : (names.find((name) => name.startsWith('--')) ?? names[0])
    if (first === undefined) continue
    const isFlag = first.startsWith('-')
    const fallback = /\bdefault\s*=\s*["']([^"'\n]{0,200})["']/.exec(call)?.[1]
    const words = /\bhelp\s*=\s*["']([^"'\n]{1,300})["']/.exec(call)?.[1]
    const variable = /\benvvar\s*=\s*["']([A-Za-z_]\w*)["']/.exec(call)?.[1]
    const required =
      /\brequired\s*=\s*True/.test(call) ||
      !(isFlag || /\bnargs\s*=\s*["'][?*]["']/.test(call) || fallback !== undefined)
    const draft: ArgumentFact = {
      kind: 'argument',
      name: first,
      position: isFlag ? null : position++,
      role: 'read',
      required: variable === undefined ? required : false,
      isBoolean: /store_true|is_flag\s*=\s*True/.test(call),
      secret: looksSecret(first),
      ...(fallback === undefined ? {} : { default: fallback }),
      ...(words === undefined ? {} : { description: words }),
      evidence: at(match.index, 'command-line'),
    }
    facts.push(draft)
    if (variable !== undefined) {
      facts.push({
        kind: 'variable',
        name: variable,
        role: 'read',
        required: /\brequired\s*=\s*True/.test(call),
        ...(words === undefined ? {} : { description: words }),
        evidence: at(match.index, 'command-line'),
      })
    }
  }
  return facts
}

/** What stands between a call's brackets, at most 600 characters of it. */
function callText(text: string, from: number): string {
  let depth = 1
  for (let i = from; i < Math.min(text.length, from + 600); i++) {
    if (text[i] === '(') depth++
    else if (text[i] === ')' && --depth === 0) return text.slice(from, i)
  }
  return text.slice(from, from + 600)
}

function tools(text: string, at: At): Fact[] {
  const decorated =
    /@\w+(?:\.\w+)?\.?tool(?:\(([^)\n]{0,300})\))?[ \t]*\n(?:[ \t]*@[^\n]{0,300}\n){0,4}[ \t]*(?:async\s+)?def\s+(\w+)/g
  const listed = /\b(?:types\.)?Tool\(\s*name\s*=\s*["']([\w.-]{1,128})["']/g
  return [
    ...[...text.matchAll(decorated)].map((match): Fact => ({
      kind: 'tool',
      name: /name\s*=\s*["']([\w.-]{1,128})["']/.exec(match[1] ?? '')?.[1] ?? match[2] ?? '',
      description: docstring(text, match.index + match[0].length),
      evidence: at(match.index),
    })),
    ...[...text.matchAll(listed)].map((match): Fact => ({
      kind: 'tool',
      name: match[1] ?? '',
      description: null,
      evidence: at(match.index),
    })),
  ]
}

function docstring(text: string, from: number): string | null {
  const found = /^[^\n]{0,400}(?:\n[^\n]{0,200}){0,20}?:\s*\n\s*"""\s*([^"\n]{1,500})/.exec(
    text.slice(from, from + 3_000),
  )
  return found?.[1]?.trim() ?? null
}

function signals(text: string, at: At): Fact[] {
  const facts: Fact[] = []
  const add = (
    pattern: RegExp,
    signal:
      | 'server_sdk'
      | 'client_sdk'
      | 'stdio_transport'
      | 'http_transport'
      | 'registers'
      | 'reads_environment'
      | 'browser'
      | 'desktop',
  ): void => {
    const match = pattern.exec(text)
    if (match !== null)
      facts.push({ kind: 'signal', signal, detail: match[0].trim(), evidence: at(match.index) })
  }
  if (CLIENT.test(text) && !/\bFastMCP\b|mcp\.server/.test(text)) add(CLIENT, 'client_sdk')
  else add(SERVER, 'server_sdk')
  add(/\bstdio_server\s*\(|transport\s*=\s*["']stdio["']/, 'stdio_transport')
  add(/transport\s*=\s*["'](?:sse|streamable-http|http)["']/, 'http_transport')
  add(/@\w+(?:\.\w+)?\.?(?:tool|resource|prompt)\b|\.list_tools\(\)|\.add_tool\(/, 'registers')
  add(/\bos\.environ\b|\bgetenv\(|BaseSettings/, 'reads_environment')
  add(/^\s*(?:from|import)\s+(?:playwright|selenium|pyppeteer)\b/m, 'browser')
  add(/^\s*(?:from|import)\s+(?:pyautogui|pynput|pywinauto)\b/m, 'desktop')
  return facts
}

function lineCounter(text: string): (offset: number) => number {
  const starts = [0]
  for (let i = text.indexOf('\n'); i !== -1; i = text.indexOf('\n', i + 1)) starts.push(i + 1)
  return (offset) => {
    let low = 0
    let high = starts.length
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if ((starts[middle] ?? 0) <= offset) low = middle
      else high = middle
    }
    return low + 1
  }
}
