import type { Fact, VariableFact } from '../facts.ts'
import { CAPITALS, isPlaceholder, TURNS_ON } from '../names.ts'
import { alternativesOf, IS_WAY } from './alternatives.ts'
import { linkIn, plain, type Block } from './markdown.ts'

const NAME = /^[A-Za-z][A-Za-z0-9_]*\*?$/
const DEVELOPERS =
  /\b(?:develop(?:ment|ing|er)?s?|contribut\w*|test(?:s|ing)?|build(?:ing)?(?: from source)?|debug(?:ging)?|releas\w*|publish\w*|benchmarks?|ci)\b/i
const HTTP =
  /\b(?:https?|sse|streamable|remote|hosted?|hosting|self-host\w*|oauth|docker compose|kubernetes|deploy\w*)\b/i

/** What a document says of variables and flags: in tables, in lists, in blocks of `NAME=value`, in passing. */
export function readVariables(file: string, blocks: readonly Block[]): readonly Fact[] {
  const facts: Fact[] = []
  let lead = ''
  for (const block of blocks) {
    // **Optional:**, and the items below it
    if (block.kind !== 'item') lead = block.kind === 'text' && LEAD.test(block.text) ? block.text : ''
    const where = {
      ...(block.headings.some((heading) => DEVELOPERS.test(heading)) ? { forDevelopers: true } : {}),
      ...(HTTP.test(block.headings.at(-1) ?? '') && !/stdio/i.test(block.headings.at(-1) ?? '')
        ? { httpOnly: true }
        : {}),
    }
    if (block.kind === 'table') facts.push(...fromTable(file, block, where))
    else if (block.kind === 'code') facts.push(...fromAssignments(file, block, where))
    else if (block.kind === 'item') facts.push(...fromItem(file, block, where, lead))
    if (block.kind === 'item' || block.kind === 'text') facts.push(...fromProse(file, block, where))
  }
  return [...facts, ...waysOf(file, blocks)]
}

const LEAD = /^.{3,120}:[*_]*\s*$/
const NAMES = /\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b/g

/** What stands in the code below each heading that begins one of several ways. */
function waysOf(file: string, blocks: readonly Block[]): Fact[] {
  const ways = new Map<string, { names: string[]; evidence: Fact['evidence'] }>()
  for (const block of blocks) {
    const at = block.kind === 'code' ? block.headings.findLastIndex((heading) => IS_WAY.test(heading)) : -1
    if (at === -1) continue
    const key = block.headings.slice(0, at + 1).join('\n')
    const evidence = { file, line: block.line, reader: 'readme-block' }
    const way = ways.get(key) ?? { names: [], evidence }
    ways.set(key, way)
    way.names.push(...(block.text.match(NAMES) ?? []))
  }
  const siblings = Map.groupBy(ways, ([key]) => key.split('\n').slice(0, -1).join('\n'))
  return [...siblings.values()].flatMap((some) => alternativesOf(some.map(([, way]) => way)))
}

type Where = Pick<VariableFact, 'forDevelopers' | 'httpOnly'>

function fromTable(file: string, block: Block, where: Where): Fact[] {
  const [head = [], ...rows] = block.rows
  const titles = head.map((cell) => plain(cell).toLowerCase())
  const column = (pattern: RegExp): number => titles.findIndex((title) => pattern.test(title))
  const required = column(/required|mandatory|optional|必/)
  const isConditional = /required (?:for|by|when|in|with)\b/.test(titles[required] ?? '')
  const purposes: { purpose: string; name: string }[] = []
  // `Yes*`, and below the table that one of them is enough.
  const footnoted: string[] = []
  const fallback = column(/default|默认/)
  const description = column(
    /description|purpose|meaning|details|notes?|what|说明|描述|comment|effect|explanation|usage/,
  )
  // Where values are set as code, what is not is words about one.
  const isCoded =
    fallback !== -1 && rows.some((row) => isCode(row[fallback]) && !/\d|true|false/.test(row[fallback] ?? ''))
  // What turns a mode on is required for that mode, and so is what stands beside it.
  const isOfMode = rows.some(
    (row) =>
      requiredness(plain(row[required] ?? ''), false) === true &&
      TURNS_ON.test(plain(row[description] ?? '')),
  )
  const read = rows.flatMap((row, index): Fact[] => {
    const evidence = { file, line: block.line + 2 + index, reader: 'readme-table' }
    const rest = row.filter((_, i) => i !== fallback)
    const words = plain(row[description] ?? row.at(-1) ?? '')
    const demanded =
      requiredness(
        required === -1 || isConditional || isOfMode || hasFootnote(row[required])
          ? ''
          : plain(row[required] ?? ''),
        /optional/.test(titles[required] ?? ''),
      ) ??
      requirednessOfText(plain(rest.slice(1).join(' '))) ??
      (/^[*_(]*(?:required|mandatory)/i.test(row[fallback] ?? '') ? true : null)
    const value = fallback === -1 ? null : plain(row[fallback] ?? '')
    const details = {
      required: demanded,
      ...(value === null ||
      value === '' ||
      isWords(value) ||
      (isCoded && !isCode(row[fallback]) && /\s/.test(value))
        ? {}
        : { default: value }),
      ...(words === '' ? {} : { description: words.slice(0, 500) }),
      ...helpOf(row.join(' ')),
    }
    const facts: Fact[] = []
    for (const [i, cell] of row.entries()) {
      if (
        i === description ||
        i === fallback ||
        // What a flag or a variable may be set to.
        (/\bvalues?\b/.test(titles[i] ?? '') && !/env|variable|name|key|setting/.test(titles[i] ?? '')) ||
        (i > 0 && !/env|variable|flag|option|argument|cli|parameter|header|config/.test(titles[i] ?? ''))
      )
        continue
      for (const name of namesIn(cell)) {
        if (CAPITALS.test(name) && (name.includes('_') || /env|variable|变量/.test(titles[i] ?? '')))
          facts.push({ kind: 'variable', name, role: 'documented', ...details, ...where, evidence })
        if (isConditional && !('default' in details))
          purposes.push({ purpose: plain(row[required] ?? ''), name })
        if (hasFootnote(row[required]) && /yes|required|[✅✓✔☑]/i.test(row[required] ?? ''))
          footnoted.push(name)
      }
      for (const match of cell.matchAll(/(--[a-zA-Z][\w-]*)(?:[ =](<[^>]*>|\[[^\]]*\]|[A-Z_]{2,}))?/g)) {
        const { required: demand, ...more } = details
        facts.push({
          kind: 'argument',
          name: match[1] ?? '',
          position: null,
          role: 'documented',
          required: demand,
          ...more,
          ...('httpOnly' in where ? { httpOnly: true } : {}),
          evidence,
        })
      }
    }
    return facts
  })
  const evidence = { file, line: block.line, reader: 'readme-table' }
  const ways = Map.groupBy(purposes, ({ purpose }) => purpose)
  return [
    ...read,
    ...alternativesOf([...ways.values()].map((some) => ({ names: some.map(({ name }) => name), evidence }))),
    ...alternativesOf(footnoted.map((name) => ({ names: [name], evidence }))),
  ]
}

/** `Yes\*`, `Yes*`, but not `**Yes**`: what is said below takes the word back. */
function hasFootnote(cell: string | undefined): boolean {
  const text = (cell ?? '').trim()
  return /(?:\\\*|[†‡¹²])$/.test(text) || (text.endsWith('*') && (text.match(/\*/g)?.length ?? 0) % 2 === 1)
}

function isCode(cell: string | undefined): boolean {
  return cell !== undefined && (/`/.test(cell) || /^\s*(?:\d[\w.]*|true|false)\s*$/.test(cell))
}

/** Names that a cell consists of; prose that mentions one has none. */
function namesIn(cell: string): readonly string[] {
  const coded = [...cell.matchAll(/`([^`]{2,200})`/g)].flatMap((match) => (match[1] ?? '').split(/[\s,/|]+/))
  const words = coded.length > 0 ? coded : plain(cell).split(/(?:\s*(?:,|\/|\||\bor\b|\band\b)\s*|\s+)/)
  const names = words
    .map((word) => word.replace(/=.*$/, '').replace(/[:"'()]/g, ''))
    .filter((word) => NAME.test(word) && word.length > 2)
  return coded.length === 0 && words.length > 4 ? [] : names
}

function requiredness(cell: string, columnSaysOptional: boolean): boolean | null {
  if (cell === '') return null
  if (
    /^(?:conditional|depends|sometimes|see|one of|either|\*|yes\*|yes,? (?:if|when|for|unless|one)|required (?:if|when|for|unless|with)|for )/i.test(
      cell,
    )
  )
    return null
  const yes = /^(?:yes|y|true|required|mandatory|always|✅|✓|✔|☑|是|必填|x\b)/i.test(cell)
  const no = /^(?:no|n|false|optional|never|❌|✗|✘|否|可选|[-–—])/i.test(cell)
  if (yes === no) return null
  return columnSaysOptional && !/^(?:required|mandatory|optional)/i.test(cell) ? no : yes
}

/** What a description says of its name being needed. */
function requirednessOfText(text: string): boolean | null {
  if (
    /\brequired (?:for|in|with|by|when using) stdio\b|\brequired to (?:authenticate|connect|access|log ?in|sign in|call|use the (?:api|server))\b/i.test(
      text,
    )
  )
    return true
  if (/\boptional(?:ly)?\b|\bdefaults? (?:to|is|=|:)|\(default\b|\bdefault:/i.test(text)) return false
  if (
    /\bnot (?:required|needed)\b|\bonly (?:needed|required|used)\b|\brequired (?:if|when|only|unless)\b|\bworks? without it\b/i.test(
      text,
    ) ||
    // For one tool or setting, which it names.
    /\b[Rr]equired (?:for|by) (?:the )?`?(?:[a-z]{3,}(?:[A-Z]|_[a-z])|[A-Z]+_)/.test(text) ||
    // For one of several ways to run it, which it names.
    /\brequired (?:for|in|with) (?:the )?(?!(?:all|any|api|both|client|every|server|token|user)\b)[\w-]{2,20} (?:auth(?:entication)?|mode|transport|provider|backend|storage)\b/i.test(
      text,
    )
  )
    return false
  if (/\brequired (?:\([^)]*\) ?)?(?:for|by|with|to)\b|\bunless\b/i.test(text)) return null
  return /\brequired\b|\bmandatory\b|必填|必需/i.test(text) ? true : null
}

/** `- `NAME` (required): what it is`, also in bold or with a value. */
function fromItem(file: string, block: Block, where: Where, lead: string): Fact[] {
  const line = block.text.replace(/^\s*(?:[-*+]|\d+[.)])\s+/, '').replace(/^\[[ x]\]\s+/, '')
  const match =
    /^(?:\*\*|__)?`?(?:export )?(--[a-zA-Z][\w-]*|[A-Za-z][A-Za-z0-9_]{2,80}\*?)(?:[= ](?:<[^>]*>|"[^"]*"|[^\s`]*))?`?(?:\*\*|__)?(?:\s*(?:\/|,|or|and)\s*`?([A-Z][A-Z0-9_]{2,80})`?)?\s*(?=$|[-–—:(*_,.=]|is\b|–|\n|✅|\[)/.exec(
      line,
    )
  const name = match?.[1]
  if (match === null || name === undefined) return []
  const words = plain(line.slice(match[0].length)).replace(/^[-–—:(\s]+/, '')
  const evidence = { file, line: block.line, reader: 'readme-list' }
  const under = block.headings.at(-1) ?? ''
  const required =
    requirednessOfText(words) ??
    (/\boptional\b/i.test(lead) ? false : /\brequired\b/i.test(lead) ? true : null) ??
    (/^required\b/i.test(under) ? true : /optional/i.test(under) ? false : null)
  const fallback = defaultIn(line)
  const details = {
    required,
    ...(fallback === null ? {} : { default: fallback }),
    ...(/\bdefaults to\b/i.test(words) ? { fallsBack: true } : {}),
    ...(words === '' ? {} : { description: words.slice(0, 500) }),
    ...helpOf(line),
  }
  if (name.startsWith('--'))
    return [{ kind: 'argument', name, position: null, role: 'documented', ...details, evidence }]
  // Tools, errors and permissions have names in capitals as well.
  if (OTHER_NAMES.test(under) && !OF_VARIABLES.test(under)) return []
  return [name, match[2]]
    .filter((one) => one !== undefined)
    .filter((one) => CAPITALS.test(one) && one.includes('_'))
    .map((one) => ({ kind: 'variable', name: one, role: 'documented', ...details, ...where, evidence }))
}

const OTHER_NAMES =
  /\b(?:tools?|actions?|commands?|prompts?|resources?|errors?|status(?:es)?|codes?|events?|permissions?|scopes?|responses?)\b/i
const OF_VARIABLES = /\b(?:env\w*|variables?|config\w*|settings?|options?|set-?up|parameters?)\b/i

/** What a sentence gives as the default: in quotes or as code, or as its last word; a number or an address anywhere. */
function defaultIn(text: string): string | null {
  const match =
    /\bdefaults?(?: ?(?:to|is|:|=|value is|value:)[*_]*:? *| (?=[`"'\d]))(?:`([^`\n]+)`|"([^"\n]+)"|'([^'\n]+)'|(true|false|\d[\w.]*|https?:\/\/[^\s),;]+|[~.]?\/[^\s),;]+)(?=$|[\s),;])|([^\s"'`(),;]+?)(?=\.?\s*(?:$|[),;\n]|\. )))/i.exec(
      text,
    )
  const value = match?.slice(1).find((one) => one !== undefined)
  return value === undefined || isWords(value) ? null : value.replace(/[.]$/, '')
}

/** Words that say that there is no default. */
const NOTHING =
  /^(?:[-–—]*|\(?(?:none|no|not|null|nil|unset|unlimited|undefined|empty|required|n\/a)(?:\b.*)?)$/i

/** Words about a default in place of one. */
function isWords(value: string): boolean {
  return (
    NOTHING.test(value) ||
    /^(?:\(.*\)|\[.+\]|<.*>|[^\w/~.{}[\]*]+|(?:built-in|auto(?:matic\w*|-?detect\w*)?|same|see)(?:\b.*)?)$|\((?:mac\w*|linux|windows)\)/i.test(
      value,
    )
  )
}

const FOR_HTTP = /\b(?:http|sse)\b[^.\n]{0,20}\b(?:mode|server|transport)\b|\bwhen \w+=(?:http|sse)\b/i

/** `NAME=value` lines of a `.env` or a terminal; a comment above says more. Also used for `.env.example`. */
export function fromAssignments(
  file: string,
  block: Block,
  where: Where,
  role: VariableFact['role'] = 'sample',
  reader = 'readme-block',
): VariableFact[] {
  if (
    /^(?:ts|typescript|js|javascript|python|py|go|json|jsonc|toml|diff|dockerfile|tsx|jsx)$/.test(
      block.language,
    )
  )
    return []
  const facts: VariableFact[] = []
  let comment: string[] = []
  for (const [index, line] of block.text.split('\n').entries()) {
    if (facts.length >= 300) break
    const match = /^\s*(#\s*)?(?:export\s+|set\s+|\$env:|-\s+)?([A-Z][A-Z0-9_]{1,80})\s*[=]\s*(.*)$/.exec(
      line,
    )
    if (match?.[2] === undefined || (match[2].length < 3 && role === 'sample')) {
      if (/^\s*#/.test(line)) comment.push(line.replace(/^\s*#+\s*/, ''))
      else comment = []
      continue
    }
    const [value = '', ...after] = (match[3] ?? '').split(/\s+#\s*/)
    const words = [...comment, ...after].join(' ').trim()
    const isForHttp = FOR_HTTP.test(words)
    const example = value.trim().replace(/^["']|["'];?$/g, '')
    facts.push({
      kind: 'variable',
      name: match[2],
      role,
      required: match[1] !== undefined ? false : requirednessOfText(words),
      ...(example === '' || isPlaceholder(example) ? {} : { example }),
      ...(words === '' ? {} : { description: words.slice(0, 500) }),
      ...helpOf(words),
      ...where,
      ...(isForHttp ? { httpOnly: true } : {}),
      evidence: { file, line: block.line + index, reader },
    })
    // Said of all the lines below it.
    if (!/\b(?:these|both|all|following|are)\b/i.test(comment.join(' '))) comment = []
  }
  return facts
}

/** Names in backticks in running text. */
function fromProse(file: string, block: Block, where: Where): Fact[] {
  return [...block.text.matchAll(/`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(?:=[^`\n]{0,200})?`/g)]
    .slice(0, 40)
    .map((match) => {
      const sentence = sentenceAround(block.text, match.index)
      return {
        kind: 'variable',
        name: match[1] ?? '',
        role: 'mentioned',
        required: null,
        ...(sentence === '' ? {} : { description: plain(sentence).slice(0, 500) }),
        ...where,
        evidence: { file, line: block.line, reader: 'readme-text' },
      }
    })
}

function sentenceAround(text: string, at: number): string {
  const from = Math.max(text.lastIndexOf('. ', at) + 1, text.lastIndexOf('\n\n', at) + 1, at - 300, 0)
  const end = text.indexOf('. ', at)
  return text.slice(from, end === -1 || end > at + 400 ? at + 300 : end + 1)
}

function helpOf(text: string): { helpUrl?: string } {
  const link = linkIn(text)
  return link === null || /shields\.io|localhost|127\.0\.0\.1|example\.com/.test(link)
    ? {}
    : { helpUrl: link }
}
